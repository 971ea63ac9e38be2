# What `cmake --install` puts where: tool, library, headers, pkg-config and CMake package files,
# SDK, man page, shell completion.
include(CMakePackageConfigHelpers)

install(TARGETS bulkhead_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET bulkhead)
    install(TARGETS bulkhead RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    foreach(shell_file bash:bash-completion/completions/bulkhead zsh:zsh/site-functions/_bulkhead
            fish:fish/vendor_completions.d/bulkhead.fish)
        string(REGEX MATCH "^[a-z]+" shell ${shell_file})
        string(REGEX REPLACE "^[a-z]+:" "" file ${shell_file})
        get_filename_component(directory ${file} DIRECTORY)
        get_filename_component(name ${file} NAME)
        add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/completion/${shell}/${name}
            COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/completion/${shell}
            COMMAND bulkhead completion ${shell} > ${CMAKE_BINARY_DIR}/completion/${shell}/${name}
            DEPENDS bulkhead)
        list(APPEND completion_files ${CMAKE_BINARY_DIR}/completion/${shell}/${name})
        install(FILES ${CMAKE_BINARY_DIR}/completion/${shell}/${name}
            DESTINATION ${CMAKE_INSTALL_DATADIR}/${directory})
    endforeach()
    add_custom_target(completion ALL DEPENDS ${completion_files})
endif()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/bulkhead DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/sdk/c DESTINATION ${CMAKE_INSTALL_DATADIR}/bulkhead/sdk
    USE_SOURCE_PERMISSIONS)
install(FILES ${CMAKE_SOURCE_DIR}/docs/man/bulkhead.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1
    OPTIONAL)

# The prefix is chosen at install time, so the file finds it from where it lies.
file(RELATIVE_PATH BULKHEAD_PREFIX_FROM_PC ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
    ${CMAKE_INSTALL_PREFIX})
configure_file(${CMAKE_SOURCE_DIR}/cmake/bulkhead.pc.in ${CMAKE_BINARY_DIR}/bulkhead.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/bulkhead.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/BulkheadConfig.cmake.in
    ${CMAKE_BINARY_DIR}/BulkheadConfig.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Bulkhead
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/BulkheadConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/BulkheadConfig.cmake
    ${CMAKE_BINARY_DIR}/BulkheadConfigVersion.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Bulkhead)
