# SPDX-License-Identifier: MIT
# Debian packages of vfiod and of the simulated host, by CPack. tools/package runs this with
# VFIOD_DEBIAN, the release that they are for.
set(parts ${CMAKE_CURRENT_LIST_DIR})
# Who builds packages answers for them.
set(name $ENV{DEBFULLNAME})
set(mail $ENV{DEBEMAIL})
if(NOT mail)
	set(name "The vfiod authors")
	set(mail vfiod@users.noreply.github.com)
elseif(NOT name)
	set(name ${mail})
endif()
set(contact "${name} <${mail}>")
# Later releases of Debian have later versions, so that an upgrade of Debian upgrades vfiod too.
set(version "${PROJECT_VERSION}+deb${VFIOD_DEBIAN}")

# A library that the release does not have comes along, for vfiod alone.
if(VFIOD_DEBIAN GREATER 12)
	find_library(h2o_library h2o-evloop REQUIRED)
	execute_process(COMMAND readelf -d ${h2o_library} OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
	string(REGEX MATCH "soname: \\[([^]]*)\\]" soname "${dynamic}")
	set(soname ${CMAKE_MATCH_1})
	file(REAL_PATH ${h2o_library} h2o_file)
	set(private_folder lib/vfiod)
	install(FILES ${h2o_file} DESTINATION ${private_folder} RENAME ${soname})
	install(FILES /usr/share/doc/libh2o-evloop-dev/copyright DESTINATION share/doc/vfiod
		RENAME copyright.libh2o)
	set_target_properties(vfiod PROPERTIES INSTALL_RPATH /usr/${private_folder})
	target_link_options(vfiod PRIVATE -Wl,--enable-new-dtags)
	# Below the folder that is packed.
	set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS usr/${private_folder})
endif()

# What Debian wants every package to have.
file(READ ${PROJECT_SOURCE_DIR}/LICENSE licence)
string(REGEX REPLACE "^MIT License\n\n(Copyright[^\n]*)\n\n" "" licence "${licence}")
set(copyright_line "${CMAKE_MATCH_1}")
string(REGEX REPLACE "\n$" "" licence "${licence}")
string(REPLACE "\n\n" "\n.\n" licence "${licence}")
string(REPLACE "\n" "\n " licence "${licence}")
string(REPLACE "Copyright (c) " "" copyright_line "${copyright_line}")
file(WRITE ${CMAKE_BINARY_DIR}/debian/copyright
	"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
	"Files: *\nCopyright: ${copyright_line}\nLicense: Expat\n\n"
	"License: Expat\n ${licence}\n")
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
foreach(component vfiod simhost)
	if(component STREQUAL simhost AND NOT TARGET simhost)
		continue()
	endif()
	set(package vfiod)
	if(component STREQUAL simhost)
		set(package vfiod-simhost)
	endif()
	file(WRITE ${CMAKE_BINARY_DIR}/debian/${package}/changelog
		"${package} (${version}) stable; urgency=medium\n\n"
		"  * Release ${PROJECT_VERSION}.\n\n -- ${contact}  ${now}\n")
	install(FILES ${CMAKE_BINARY_DIR}/debian/copyright ${CMAKE_BINARY_DIR}/debian/${package}/changelog
		DESTINATION share/doc/${package} COMPONENT ${component})
	string(TOUPPER ${component} upper)
	set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${package})
	list(APPEND CPACK_COMPONENTS_ALL ${component})
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/README.md DESTINATION share/doc/vfiod)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs DESTINATION share/doc/vfiod)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME vfiod)
set(CPACK_PACKAGE_VERSION ${version})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # it would be the first line of both descriptions
set(CPACK_PACKAGE_CONTACT ${contact})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
# After the files are where they are packed from.
set(CPACK_PRE_BUILD_SCRIPTS ${parts}/compress.cmake)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_VFIOD_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers")
set(CPACK_DEBIAN_VFIOD_PACKAGE_RECOMMENDS "pci.ids")
set(CPACK_DEBIAN_VFIOD_PACKAGE_SUGGESTS "vfiod-simhost")
set(CPACK_DEBIAN_VFIOD_PACKAGE_CONTROL_EXTRA ${parts}/postinst ${parts}/prerm ${parts}/postrm)
set(CPACK_COMPONENT_VFIOD_DESCRIPTION
"daemon that gives PCI devices to virtual machines
vfiod manages VFIO (PCI passthrough) devices: it finds devices, checks them,
binds them to vfio-pci and returns them to the drivers they had, all the
devices of a request or none. It refuses to take a device that the host or a
virtual machine uses. vfioctl is its command-line client.")
set(CPACK_DEBIAN_SIMHOST_PACKAGE_DEPENDS fuse3)
set(CPACK_COMPONENT_SIMHOST_DESCRIPTION
"simulated host with PCI devices, to try and test vfiod on
simhost mounts the sys/, proc/ and dev/ of a host that a text file describes.
They behave like those of the kernel when devices are bound and unbound. It
needs neither root nor such devices.")
include(CPack)
