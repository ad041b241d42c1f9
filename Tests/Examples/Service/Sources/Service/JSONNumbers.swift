import DLRun
import Hummingbird

/// A tensor as nested lists; null for what JSON has no number for.
enum JSONNumbers: ResponseEncodable {
  case number(Double)
  case list([JSONNumbers])

  init(_ tensor: Tensor) throws(EngineError) {
    let values: [Double]
    switch tensor.dtype {
    case .float32: values = try tensor.values(as: Float.self).map { Double($0) }
    case .float64: values = try tensor.values(as: Double.self)
    case .int64: values = try tensor.values(as: Int64.self).map { Double($0) }
    case .int32: values = try tensor.values(as: Int32.self).map { Double($0) }
    default: throw EngineError(.unsupported, "outputs of \(tensor.dtype) have no JSON form here")
    }
    self = Self.nest(values[...], tensor.shape.array[...])
  }

  private static func nest(_ values: ArraySlice<Double>, _ sizes: ArraySlice<Int>) -> JSONNumbers {
    guard let size = sizes.first else { return .number(values.first ?? 0) }
    let step = size == 0 ? 0 : values.count / size
    return .list(
      (0..<size).map {
        let start = values.startIndex + $0 * step
        return nest(values[start..<start + step], sizes.dropFirst())
      })
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .number(let value) where value.isFinite: try container.encode(value)
    case .number: try container.encodeNil()
    case .list(let list): try container.encode(list)
    }
  }
}
