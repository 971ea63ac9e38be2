# Filled in below: what `make install` puts where.
install(TARGETS bulkhead_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/bulkhead DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
