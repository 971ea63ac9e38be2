# WebAssembly for the build: text modules to bytes, C capsules to wasm.
find_program(WAT2WASM wat2wasm REQUIRED)
find_program(WASM_CLANG NAMES clang-19 clang-18 clang-17 clang-16 clang-15 clang-14 clang REQUIRED)
set(WASM_C_SYSROOT /usr CACHE PATH "where wasi-libc is installed (include/wasm32-wasi below it)")
set(WAT_FEATURES --enable-multi-memory --enable-tail-call)

# bulkhead_embed_wat(RET SOURCE): SOURCE.wat becomes generated/NAME_wasm.h with
# `static const uint8_t NAME_wasm[]`; RET is the header, to list among a target's sources.
function(bulkhead_embed_wat ret source)
    get_filename_component(name ${source} NAME_WE)
    set(binary ${CMAKE_BINARY_DIR}/generated/${name}.wasm)
    set(header ${CMAKE_BINARY_DIR}/generated/${name}_wasm.h)
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated)
    add_custom_command(OUTPUT ${header}
        COMMAND ${WAT2WASM} ${source} -o ${binary}
        COMMAND ${CMAKE_COMMAND} -DBINARY=${binary} -DHEADER=${header} -DNAME=${name}_wasm
            -P ${CMAKE_SOURCE_DIR}/cmake/EmbedBytes.cmake
        DEPENDS ${source} ${CMAKE_SOURCE_DIR}/cmake/EmbedBytes.cmake VERBATIM)
    set(${ret} ${header} PARENT_SCOPE)
endfunction()

# bulkhead_wat(SOURCE OUTPUT): compile one text module to a file.
function(bulkhead_wat source output)
    get_filename_component(directory ${output} DIRECTORY)
    file(MAKE_DIRECTORY ${directory})
    add_custom_command(OUTPUT ${output}
        COMMAND ${WAT2WASM} --debug-names ${WAT_FEATURES} ${source} -o ${output}
        DEPENDS ${source} VERBATIM)
endfunction()

# bulkhead_capsule(SOURCE OUTPUT): compile one C file to a capsule with the SDK in sdk/c.
function(bulkhead_capsule source output)
    file(GLOB_RECURSE sdk_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sdk/c/*)
    get_filename_component(directory ${output} DIRECTORY)
    file(MAKE_DIRECTORY ${directory})
    add_custom_command(OUTPUT ${output}
        COMMAND ${CMAKE_COMMAND} -E env CLANG=${WASM_CLANG}
            ${CMAKE_SOURCE_DIR}/sdk/c/capsule-cc ${source} -o ${output}
        DEPENDS ${source} ${sdk_files} VERBATIM)
endfunction()

# bulkhead_embed_capsule(RET SOURCE): as bulkhead_embed_wat, for a C capsule.
function(bulkhead_embed_capsule ret source)
    get_filename_component(name ${source} NAME_WE)
    set(binary ${CMAKE_BINARY_DIR}/generated/${name}.wasm)
    set(header ${CMAKE_BINARY_DIR}/generated/${name}_wasm.h)
    bulkhead_capsule(${source} ${binary})
    add_custom_command(OUTPUT ${header}
        COMMAND ${CMAKE_COMMAND} -DBINARY=${binary} -DHEADER=${header} -DNAME=${name}_wasm
            -P ${CMAKE_SOURCE_DIR}/cmake/EmbedBytes.cmake
        DEPENDS ${binary} ${CMAKE_SOURCE_DIR}/cmake/EmbedBytes.cmake VERBATIM)
    set(${ret} ${header} PARENT_SCOPE)
endfunction()
