import Converters
import Formats
import Glibc
import Tensors

/// What libFuzzer calls: each input becomes a file (or a folder), which is converted and written.
///
/// `DLRUN_FUZZ_READER` says what the inputs are. Whatever is in them, a model, weights or an
/// `EngineError` must come of it. `tools/fuzz/readers` builds and runs this.
enum ReaderFuzz {
  enum Reader: String {
    case keras, hdf5, graphdef, savedmodel, tflite, pt2, torch, safetensors, npz, npy, gguf, onnx
  }

  static let reader: Reader = {
    guard let text = getenv("DLRUN_FUZZ_READER"),
      let reader = Reader(rawValue: String(cString: text))
    else { fatalError("DLRUN_FUZZ_READER names no reader") }
    return reader
  }()

  /// A file in memory; each input overwrites the one before.
  static let path = "/dev/shm/dlrun-fuzz-\(getpid())-file"
  static let descriptor: Int32 = {
    let fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
    guard fd >= 0 else { fatalError("cannot create \(path)") }
    return fd
  }()

  static let folder: String = {
    let path = "/dev/shm/dlrun-fuzz-\(getpid())"
    mkdir(path, 0o700)
    mkdir(path + "/variables", 0o700)
    return path
  }()

  static func run(_ input: UnsafeRawBufferPointer) {
    do throws(EngineError) {
      switch reader {
      case .savedmodel:
        try convert(writeFolder(input))
      case .torch, .safetensors, .npz, .npy, .gguf:
        _ = try Conversion.weights(path: writeFile(input), options: options)
      case .keras, .hdf5, .graphdef, .tflite, .pt2, .onnx:
        try convert(writeFile(input))
      }
    } catch {}
  }

  /// Small budgets, so that honest sizes do not count as findings.
  private static let options: ConversionOptions = {
    var options = ConversionOptions()
    options.memoryBudget = 1 << 26
    return options
  }()

  private static func convert(_ path: String) throws(EngineError) {
    _ = try Conversion.convert(path: path, options: options)
  }

  private static func writeFile(_ input: UnsafeRawBufferPointer) -> String {
    overwrite(descriptor, input[...])
    return path
  }

  /// Three files in one input: the sizes of the first two as 4 bytes each, then `saved_model.pb`,
  /// `variables.index` and the first shard.
  private static func writeFolder(_ input: UnsafeRawBufferPointer) -> String {
    func size(_ at: Int) -> Int {
      input.count < at + 4
        ? 0 : Int(UInt32(littleEndian: input.loadUnaligned(fromByteOffset: at, as: UInt32.self)))
    }
    let start = min(8, input.count)
    let second = min(input.count, start + size(0))
    let third = min(input.count, second + size(4))
    let parts = [
      ("saved_model.pb", input[start..<second]),
      ("variables/variables.index", input[second..<third]),
      ("variables/variables.data-00000-of-00001", input[third...]),
    ]
    for (name, part) in parts {
      let fd = open("\(folder)/\(name)", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
      overwrite(fd, part)
      close(fd)
    }
    return folder
  }

  private static func overwrite(_ fd: Int32, _ part: Slice<UnsafeRawBufferPointer>) {
    let bytes = UnsafeRawBufferPointer(rebasing: part)
    guard ftruncate(fd, 0) == 0, pwrite(fd, bytes.baseAddress, bytes.count, 0) == bytes.count else {
      fatalError("cannot write the input")
    }
  }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  ReaderFuzz.run(UnsafeRawBufferPointer(start: start, count: count))
  return 0
}
