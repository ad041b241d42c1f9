import Formats
import Tensors

/// Reads IDX files, the format of MNIST, compressed with gzip or not.
///
/// Source: LeCun, Cortes, Burges, "The MNIST database", file formats. Numbers are big-endian.
public enum IDX {
  /// The file's array: uint8, int8, int16, int32, float32 or float64, of its sizes.
  ///
  /// Errors: `.inputMissing`; `.malformed` for another format or length; `.budget`.
  public static func read(_ path: String) throws(EngineError) -> Tensor {
    let bytes = try InputFile.unpacked(path)
    func bad(_ what: String, _ expected: String, _ received: String) -> EngineError {
      EngineError(
        .malformed, what, expected: expected, received: received, subject: .init(file: path))
    }
    let dtypes: [UInt8: DType] = [
      8: .uint8, 9: .int8, 11: .int16, 12: .int32, 13: .float32, 14: .float64,
    ]
    guard bytes.count >= 4, bytes[0] == 0, bytes[1] == 0, let dtype = dtypes[bytes[2]] else {
      throw bad(
        "the file is no IDX file", "0, 0, a type of 8 to 14, the number of axes",
        "\(bytes.prefix(4))")
    }
    let rank = Int(bytes[3])
    let start = 4 + 4 * rank
    guard rank >= 1, rank <= Shape.maxRank, bytes.count >= start else {
      throw bad("the header is wrong", "1 to \(Shape.maxRank) axes", "\(rank)")
    }
    let sizes = (0..<rank).map { axis in
      bytes[4 + 4 * axis..<8 + 4 * axis].reduce(0) { $0 << 8 | Int($1) }
    }
    let width = dtype.byteWidth
    let shape = try Shape(checking: sizes)
    guard let count = shape.checkedCount,
      count.multipliedReportingOverflow(by: width).overflow == false,
      bytes.count - start == count * width
    else {
      throw bad(
        "the length does not fit the sizes \(shape)", "\(shape) of \(dtype)",
        "\(bytes.count - start) bytes")
    }
    return try Tensor(TensorType(dtype, shape)) { (to) throws(EngineError) in
      for i in 0..<count {
        for k in 0..<width { to[i * width + k] = bytes[start + i * width + width - 1 - k] }
      }
    }
  }
}

extension DType {
  /// Bytes of an element of the types that IDX has.
  fileprivate var byteWidth: Int {
    switch self {
    case .int16: 2
    case .int32, .float32: 4
    case .float64: 8
    default: 1
    }
  }
}
