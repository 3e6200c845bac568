# SPDX-License-Identifier: MIT
# The C of .proto files: finds the compilers and the library, and offers one function.
include_guard(GLOBAL)

find_program(PROTOC protoc REQUIRED)
find_program(PROTOC_GEN_C protoc-gen-c REQUIRED)
find_path(PROTOBUF_INCLUDE_DIR google/protobuf/descriptor.proto REQUIRED)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET GLOBAL libprotobuf-c)

# protobuf_c_generate(<variable> ROOT <folder> OUT <folder> DEPENDS <file>... PROTOS <file>...)
#
# Makes <file>.pb-c.c and .pb-c.h below OUT for each of PROTOS, which are named as in an import:
# below ROOT, below this folder or below PROTOBUF_INCLUDE_DIR. All are made again when one of
# DEPENDS changes. The names of the .c files go to <variable>.
function(protobuf_c_generate variable)
	cmake_parse_arguments(PARSE_ARGV 1 arg "" "ROOT;OUT" "DEPENDS;PROTOS")
	set(sources)
	foreach(proto IN LISTS arg_PROTOS)
		string(REGEX REPLACE "\\.proto$" ".pb-c" stem "${arg_OUT}/${proto}")
		add_custom_command(
			OUTPUT ${stem}.c ${stem}.h
			COMMAND ${CMAKE_COMMAND} -E make_directory ${arg_OUT}
			COMMAND ${PROTOC} --plugin=protoc-gen-c=${PROTOC_GEN_C} -I ${arg_ROOT}
				-I ${PROJECT_SOURCE_DIR}/proto -I ${PROTOBUF_INCLUDE_DIR}
				--c_out=${arg_OUT} ${proto}
			DEPENDS ${arg_DEPENDS}
			COMMENT "Generating ${proto} as C"
			VERBATIM)
		list(APPEND sources ${stem}.c)
	endforeach()
	set(${variable} ${sources} PARENT_SCOPE)
endfunction()
