# What `cmake --install` puts under a prefix: the program, the library (shared and static) with its header and prony.pc,
# the man pages and completions that the program writes of itself, and the data it reads.
if(EXISTS ${CMAKE_SOURCE_DIR}/include/prony.h)
  # Both libraries show prony_* alone: whatever else they are made of cannot clash with a name of the program's.
  file(WRITE ${CMAKE_BINARY_DIR}/generated/prony.map "{ global: prony_*; local: *; };\n")
  file(WRITE ${CMAKE_BINARY_DIR}/generated/empty.c "")
  add_library(prony_shared SHARED ${CMAKE_BINARY_DIR}/generated/empty.c)
  target_link_libraries(prony_shared PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,prony_core>)
  target_link_options(prony_shared PRIVATE -Wl,--version-script=${CMAKE_BINARY_DIR}/generated/prony.map)
  set_target_properties(prony_shared PROPERTIES OUTPUT_NAME prony VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR} LINK_DEPENDS ${CMAKE_BINARY_DIR}/generated/prony.map)
  if(NOT PRONY_SANITIZE AND NOT PRONY_COVERAGE)
    add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/libprony.a
      COMMAND ${CMAKE_LINKER} -r -o prony_all.o --whole-archive $<TARGET_FILE:prony_core>
      COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=prony_* prony_all.o
      COMMAND ${CMAKE_COMMAND} -E rm -f libprony.a
      COMMAND ${CMAKE_AR} rcs libprony.a prony_all.o
      COMMAND ${CMAKE_COMMAND} -E rm -f prony_all.o
      DEPENDS prony_core VERBATIM)
    add_custom_target(prony_static ALL DEPENDS ${CMAKE_BINARY_DIR}/libprony.a)
    install(FILES ${CMAKE_BINARY_DIR}/libprony.a DESTINATION ${CMAKE_INSTALL_LIBDIR})
  endif()
  # By name and not by Requires.private, which would ask for what those libraries themselves are made of.
  file(RELATIVE_PATH PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /) # a prefix can be moved
  list(JOIN DEPS_LIBRARIES " -l" PC_LIBRARIES)
  configure_file(cmake/prony.pc.in ${CMAKE_BINARY_DIR}/generated/prony.pc @ONLY)
  install(TARGETS prony_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(FILES include/prony.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(FILES ${CMAKE_BINARY_DIR}/generated/prony.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

set(PAGES ${CMAKE_BINARY_DIR}/pages)
add_custom_command(OUTPUT ${PAGES}/stamp
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${PAGES}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${PAGES}/man
  COMMAND prony man ${PAGES}/man
  COMMAND prony completion bash > ${PAGES}/prony.bash
  COMMAND prony completion zsh > ${PAGES}/prony.zsh
  COMMAND prony completion fish > ${PAGES}/prony.fish
  COMMAND ${CMAKE_COMMAND} -E touch ${PAGES}/stamp
  DEPENDS prony VERBATIM)
add_custom_target(pages ALL DEPENDS ${PAGES}/stamp)

install(TARGETS prony RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PAGES}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${PAGES}/prony.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME prony)
install(FILES ${PAGES}/prony.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _prony)
install(FILES ${PAGES}/prony.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
foreach(folder configs models data engines)
  if(EXISTS ${CMAKE_SOURCE_DIR}/${folder})
    install(DIRECTORY ${folder} DESTINATION ${CMAKE_INSTALL_DATADIR}/prony USE_SOURCE_PERMISSIONS)
  endif()
endforeach()
