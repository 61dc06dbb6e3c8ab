// Crop in, joints out, with LiteRT's C interface (of LiteRT 2.3):
//
//     ./pose float32.tflite crop.rgb
//
// crop.rgb holds the S x S x 3 bytes of a crop; litert_minimal.py has the
// arithmetic that makes one. Prints number, x and y in crop pixels of every
// joint; the other outputs are read in the same way, by their names.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "litert/c/litert_common.h"
#include "litert/c/litert_compiled_model.h"
#include "litert/c/litert_environment.h"
#include "litert/c/litert_model.h"
#include "litert/c/litert_options.h"
#include "litert/c/litert_tensor_buffer.h"

static void Check(LiteRtStatus status, const char* what) {
  if (status == kLiteRtStatusOk) return;
  std::fprintf(stderr, "%s failed: %d\n", what, static_cast<int>(status));
  std::exit(1);
}

int main(int argc, char** argv) {
  if (argc != 3) return 1;
  LiteRtEnvironment environment;
  Check(LiteRtCreateEnvironment(0, nullptr, &environment), "environment");
  LiteRtModel model;
  Check(LiteRtCreateModelFromFile(environment, argv[1], &model), "model");
  LiteRtOptions options;
  Check(LiteRtCreateOptions(&options), "options");
  Check(LiteRtSetOptionsHardwareAccelerators(options, kLiteRtHwAcceleratorCpu),
        "options");
  LiteRtCompiledModel compiled;
  Check(LiteRtCreateCompiledModel(environment, model, options, &compiled),
        "compiling");
  LiteRtSignature signature;
  Check(LiteRtGetModelSignature(model, 0, &signature), "signature");

  LiteRtTensor tensor;
  LiteRtRankedTensorType type;
  LiteRtTensorBufferRequirements needs;
  LiteRtTensorBuffer input;
  Check(LiteRtGetSignatureInputTensorByIndex(signature, 0, &tensor), "input");
  Check(LiteRtGetRankedTensorType(tensor, &type), "input");
  Check(LiteRtGetCompiledModelInputBufferRequirements(compiled, 0, 0, &needs),
        "input");
  Check(LiteRtCreateManagedTensorBufferFromRequirements(environment, &type,
                                                        needs, &input),
        "input");
  LiteRtParamIndex count;
  Check(LiteRtGetNumSignatureOutputs(signature, &count), "outputs");
  std::vector<LiteRtTensorBuffer> outputs(count);
  for (LiteRtParamIndex i = 0; i < count; ++i) {
    Check(LiteRtGetSignatureOutputTensorByIndex(signature, i, &tensor),
          "output");
    Check(LiteRtGetRankedTensorType(tensor, &type), "output");
    Check(LiteRtGetCompiledModelOutputBufferRequirements(compiled, 0, i,
                                                         &needs),
          "output");
    Check(LiteRtCreateManagedTensorBufferFromRequirements(
              environment, &type, needs, &outputs[i]),
          "output");
  }

  std::FILE* file = std::fopen(argv[2], "rb");
  if (file == nullptr) return 1;
  size_t bytes;
  Check(LiteRtGetTensorBufferPackedSize(input, &bytes), "input");
  std::vector<unsigned char> crop(bytes);
  if (std::fread(crop.data(), 1, bytes, file) != bytes) {
    std::fprintf(stderr, "%s has fewer than %zu bytes\n", argv[2], bytes);
    return 1;
  }
  std::fclose(file);
  void* memory;
  Check(LiteRtLockTensorBuffer(input, &memory,
                               kLiteRtTensorBufferLockModeWrite),
        "writing");
  std::memcpy(memory, crop.data(), bytes);
  Check(LiteRtUnlockTensorBuffer(input), "writing");
  Check(LiteRtRunCompiledModel(compiled, 0, 1, &input, count, outputs.data()),
        "running");
  for (LiteRtParamIndex i = 0; i < count; ++i) {
    const char* name;
    Check(LiteRtGetSignatureOutputName(signature, i, &name), "output");
    if (std::strcmp(name, "keypoints") != 0) continue;
    Check(LiteRtLockTensorBuffer(outputs[i], &memory,
                                 kLiteRtTensorBufferLockModeRead),
          "reading");
    const float* xy = static_cast<const float*>(memory);
    for (int k = 0; k < 17; ++k) {
      std::printf("%d %.2f %.2f\n", k, xy[2 * k], xy[2 * k + 1]);
    }
    Check(LiteRtUnlockTensorBuffer(outputs[i]), "reading");
  }
  return 0;
}
