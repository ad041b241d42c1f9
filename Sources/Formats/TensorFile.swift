import Tensors

/// Files of tensors, whatever their format: `.npy`, `.npz`, `.safetensors`, `.csv`, `.tsv`, `.json`
/// and `.pb` (a TensorProto).
public enum TensorFile {
  /// A tensor and its name, where the format or the user gives one.
  public typealias Named = (name: String?, value: Tensor)

  public enum Format: String, CaseIterable, Sendable {
    case npy, npz, safetensors, csv, tsv, json, pb

    /// The format that a path's ending names, letter case aside.
    public init?(path: String) {
      guard let dot = path.lastIndex(of: "."), !path[dot...].contains("/"),
        let format = Format(rawValue: path[path.index(after: dot)...].lowercased())
      else { return nil }
      self = format
    }

    /// The format whose first bytes these are: NPY, zip, safetensors or JSON.
    init?(content bytes: UnsafeRawBufferPointer) {
      if bytes.starts(with: [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]) {
        self = .npy
      } else if bytes.starts(with: [0x50, 0x4B, 3, 4]) || bytes.starts(with: [0x50, 0x4B, 5, 6]) {
        self = .npz
      } else if let length = bytes.little(UInt64.self, at: 0),
        length <= UInt64(SafeTensors.maxHeader), bytes.count > 8, bytes[8] == 0x7B
      {
        self = .safetensors
      } else if let first = bytes.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }),
        first == 0x7B || first == 0x5B
      {
        self = .json
      } else {
        return nil
      }
    }
  }

  /// How a file is read.
  public struct Options: Sendable {
    public var limits = TensorLimits()
    public var csv = CSVOptions()
    /// Element types wanted by name, for formats that do not say (JSON).
    public var dtypes: [String: DType] = [:]
    /// The element type of NPY elements that have none (`V1`).
    public var raw: DType?
    public init() {}
  }

  /// The tensors of a file. `-` is CSV on standard input.
  ///
  /// The content tells NPY from NPZ; otherwise the ending of the name tells the format, and the
  /// content when it is none of ours. A CSV file is one tensor `[ROWS, COLUMNS]` of float32.
  ///
  /// Errors: `.inputMissing` when there is no such file; `.usage` when the format cannot be told;
  /// those of the formats, each naming the file.
  public static func read(
    _ path: String, options: Options = Options()
  ) throws(EngineError) -> [Named] {
    let ending = path == "-" ? .csv : Format(path: path)
    do throws(EngineError) {
      switch ending {
      case .csv, .tsv:
        return [(nil, try CSVReader(path: path, options: options.csv).readAll())]
      case .pb: return [(nil, try TensorProtoFile.read(path).asTensor())]
      default: break
      }
      let file = try InputFile(path)
      defer { withExtendedLifetime(file) {} }
      return try read(file, ending, options)
    } catch {
      throw error.at(file: path)
    }
  }

  private static func read(
    _ file: InputFile, _ ending: Format?, _ options: Options
  ) throws(EngineError) -> [Named] {
    let (bytes, limits) = (file.bytes, options.limits)
    var format = ending
    let content = Format(content: bytes)
    if ending == nil || (ending == .npy && content == .npz) || (ending == .npz && content == .npy) {
      format = content
    }
    switch format {
    case .npy:
      return [(nil, try NPY.read(bytes, owner: file, raw: options.raw, limits: limits))]
    case .npz:
      return try NPZ.read(bytes, owner: file, limits: limits).map { ($0.name, $0.value) }
    case .safetensors:
      return try SafeTensors.read(bytes, owner: file, limits: limits).tensors.map {
        ($0.name, $0.value)
      }
    case .json: return try JSONTensors.read(bytes, dtypes: options.dtypes, limits: limits)
    default:
      throw EngineError(
        .usage, "the file's format cannot be told", expected: endings,
        subject: .init(file: file.path))
    }
  }

  private static var endings: String {
    "a name that ends in " + Format.allCases.map { ".\($0.rawValue)" }.joined(separator: ", ")
  }

  /// Writes tensors in the format that the ending of the name says; `-` is CSV on standard output.
  /// The file appears whole or not at all.
  ///
  /// Tensors without a name are called `arr_0`, `arr_1`, ... where the format needs names, as NumPy
  /// does. NPY and TensorProto hold one tensor. CSV holds tensors of as many rows side by side under
  /// a header; a tensor of several columns gives its name and the column's number to each.
  ///
  /// Errors: `.usage` when the format cannot be told or holds one tensor only; `.cannotCreate`;
  /// `.io`; those of the formats, each naming the file.
  public static func write(_ tensors: [Named], to path: String) throws(EngineError) {
    do throws(EngineError) {
      if path == "-" {
        var output = FileSink(descriptor: 1, path: "standard output")
        try write(tensors, as: .csv, to: &output)
        try output.flush()
        return
      }
      guard let format = Format(path: path) else {
        throw EngineError(.usage, "the format to write cannot be told", expected: endings)
      }
      var file = try AtomicFile(path)
      try write(tensors, as: format, to: &file)
      try file.commit()
    } catch {
      throw error.at(file: path)
    }
  }

  /// Writes tensors in a format to any sink.
  public static func write(
    _ tensors: [Named], as format: Format, to sink: inout some ByteSink
  ) throws(EngineError) {
    switch format {
    case .npy: try NPY.write(try single(tensors, format), to: &sink)
    case .pb:
      try sink.write(
        try TensorProtoFile.bytes(
          .tensor(try single(tensors, format)), name: tensors.first?.name ?? ""))
    case .npz: try NPZ.write(named(tensors), to: &sink)
    case .safetensors:
      var contents = SafeTensors.Contents()
      contents.tensors = named(tensors)
      try SafeTensors.write(contents, to: &sink)
    case .json:
      let list = tensors.count == 1 ? tensors : named(tensors).map { ($0.name, $0.value) }
      try sink.write(try JSONTensors.bytes(of: list))
    case .csv, .tsv: try writeText(tensors, format == .tsv ? 0x09 : 0x2C, to: &sink)
    }
  }

  private static func writeText(
    _ tensors: [Named], _ delimiter: UInt8, to sink: inout some ByteSink
  ) throws(EngineError) {
    var writer = CSVWriter(sink, delimiter: delimiter)
    if tensors.contains(where: { $0.name != nil }) {
      try writer.write(header: CSVWriter<MemorySink>.header(named(tensors)))
    }
    try writer.write(rows: tensors.map { $0.value })
    try writer.flush()
    sink = writer.sink
  }

  private static func single(_ tensors: [Named], _ format: Format) throws(EngineError) -> Tensor {
    guard tensors.count == 1 else {
      throw EngineError(
        .usage, "a .\(format.rawValue) file holds one tensor", received: "\(tensors.count)",
        hint: "write .npz or .safetensors")
    }
    return tensors[0].value
  }

  private static func named(_ tensors: [Named]) -> [(name: String, value: Tensor)] {
    tensors.enumerated().map { ($1.name ?? "arr_\($0)", $1.value) }
  }
}
