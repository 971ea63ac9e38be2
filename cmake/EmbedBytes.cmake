# Write the bytes of BINARY as a C array NAME into HEADER.
file(READ ${BINARY} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "((0x..,){16})" "\\1\n    " bytes "${bytes}")
file(WRITE ${HEADER} "/* made by the build from ${NAME} */\n#include <stdint.h>\n"
    "static const uint8_t ${NAME}[] = {\n    ${bytes}\n};\n")
