# The Rust archive: found in the cache, built by tools/build-rust when it is not.
if(NOT BULKHEAD_RUST_DIR OR NOT EXISTS ${BULKHEAD_RUST_DIR}/libbulkhead_rust.a)
    execute_process(COMMAND ${CMAKE_SOURCE_DIR}/tools/build-rust
        OUTPUT_VARIABLE BULKHEAD_RUST_DIR OUTPUT_STRIP_TRAILING_WHITESPACE
        COMMAND_ERROR_IS_FATAL ANY)
endif()
set(BULKHEAD_RUST_DIR ${BULKHEAD_RUST_DIR} CACHE PATH "where libbulkhead_rust.a is" FORCE)

add_library(bulkhead_rust STATIC IMPORTED GLOBAL)
set_target_properties(bulkhead_rust PROPERTIES
    IMPORTED_LOCATION ${BULKHEAD_RUST_DIR}/libbulkhead_rust.a
    INTERFACE_INCLUDE_DIRECTORIES "${BULKHEAD_RUST_DIR}/include;${CMAKE_SOURCE_DIR}/rust/include"
    INTERFACE_LINK_LIBRARIES "m;dl;pthread")
