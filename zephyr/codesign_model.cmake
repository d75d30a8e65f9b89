# SPDX-License-Identifier: Apache-2.0
# codesign_model(<model>): build a model into the image and make codesign_model.h known. <model> is an .onnx file, for which
# the sources are generated with the Python package, with the chain of the file CODESIGN_CHAIN if that is set; or a folder that
# `codesign generate` wrote.

# Speed before size, and the numeric contract of docs/numerics.md: a fused multiply-add rounds once where two steps round twice.
# An interface library, because its options then follow Zephyr's own and win.
add_library(codesign_options INTERFACE)
target_compile_options(codesign_options INTERFACE
  $<$<COMPILE_LANGUAGE:C>:-std=c11 -O3 -Wextra> -ffp-contract=off)
if(CONFIG_CODESIGN_APP) # in an application of somebody else, with a compiler of theirs, a new warning stops nothing
  target_compile_options(codesign_options INTERFACE $<$<COMPILE_LANGUAGE:C>:-Werror>)
endif()
if(CONFIG_CPU_CORTEX_M55) # its float vectors flush subnormals, scalars do not
  target_compile_options(codesign_options INTERFACE -mcpu=cortex-m55+nomve.fp)
  if(NOT CONFIG_ARMV8_1_M_MVEF) # a core with integer vectors alone
    target_compile_definitions(codesign_options INTERFACE CODESIGN_NO_FLOAT_VECTORS)
  endif()
endif()

function(codesign_model model)
  get_filename_component(model "${model}" ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
  if(NOT IS_DIRECTORY "${model}")
    codesign_generate("${model}" model)
  endif()
  if(NOT EXISTS "${model}/codesign_model.h")
    message(FATAL_ERROR "codesign: no generated model in ${model}: run 'codesign generate model.onnx -o FOLDER'")
  endif()
  file(GLOB sources CONFIGURE_DEPENDS "${model}/*.c")
  add_library(codesign_model STATIC ${sources})
  # Quoted includes alone find the headers of the model, none of which can then hide one of the system.
  target_compile_options(codesign_model PUBLIC "-iquote${model}")
  target_link_libraries(codesign_model PUBLIC zephyr_interface PRIVATE codesign_options)
  target_link_libraries(app PUBLIC codesign_model)
endfunction()

# The pipeline of app/ in another application: its audio, threads, counters, console and shell, without main. That application's
# Kconfig takes the options from app/Kconfig, and its code includes pipeline.h.
function(codesign_pipeline)
  if(NOT DEFINED CONFIG_CODESIGN_AUDIO_PRIORITY)
    message(FATAL_ERROR "codesign_pipeline() needs the options of the pipeline: in the application's Kconfig write "
      "source \"$(ZEPHYR_CODESIGN_MODULE_DIR)/app/Kconfig\" in the place of Kconfig.zephyr.")
  endif()
  add_subdirectory(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../app ${CMAKE_BINARY_DIR}/codesign_pipeline)
endfunction()

# Generate the sources of an .onnx file below the build folder and return that folder.
function(codesign_generate onnx result)
  set(folder "${CMAKE_BINARY_DIR}/codesign_model")
  set(chain)
  if(CODESIGN_CHAIN)
    get_filename_component(file "${CODESIGN_CHAIN}" ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
    set(chain --chain "${file}")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${onnx}" ${file})
  execute_process(
    COMMAND ${PYTHON_EXECUTABLE} -m codesign.cli.main generate "${onnx}" --kernel ${CONFIG_CODESIGN_KERNEL}
      --front-end ${CONFIG_CODESIGN_FRONT_END} --hot-weights ${CONFIG_CODESIGN_HOT_WEIGHTS} ${chain} -o "${folder}"
    RESULT_VARIABLE status ERROR_VARIABLE words)
  if(status)
    message(FATAL_ERROR "codesign generate ${onnx}: ${words}\n"
      "(the Python of this build, ${PYTHON_EXECUTABLE}, needs the package: pip install codesign)")
  endif()
  set(${result} "${folder}" PARENT_SCOPE)
endfunction()
