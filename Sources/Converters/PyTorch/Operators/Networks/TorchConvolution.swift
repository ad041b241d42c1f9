import Graphs
import Operators
import Tensors

/// Convolutions and their transposes.
enum TorchConvolution {
  static let operators: [TorchOperator] = TorchOperator.joined(each(1), each(2), each(3), core)

  private static func each(_ n: Int) -> [TorchOperator] {
    let transposed = n == 1 ? "aten.conv_transpose1d.default" : "aten.conv_transpose\(n)d.input"
    return [
      .one("aten.conv\(n)d.default") { (c) throws(EngineError) in try convolution(c, n, false) },
      .one("aten.conv\(n)d.padding") { (c) throws(EngineError) in try convolution(c, n, false) },
      .one(transposed) { (c) throws(EngineError) in try convolution(c, n, true) },
    ]
  }

  private static let core: [TorchOperator] = [
    .one("aten.convolution.default") { (c) throws(EngineError) in try general(c) },
    .one("aten._convolution.default") { (c) throws(EngineError) in try general(c) },
  ]

  private static func general(_ c: TorchCall) throws(EngineError) -> ValueID {
    let rank = try c.rank(try c.x("weight")) - 2
    guard rank > 0 else { throw EngineError(.malformed, "the weight has no spatial axes") }
    return try convolution(c, rank, try c.bool("transposed", false))
  }

  private static func convolution(
    _ c: TorchCall, _ n: Int, _ isTransposed: Bool
  ) throws(EngineError) -> ValueID {
    var x = try c.x("input")
    let weight = try c.x("weight")
    let bias = try c.optional("bias")
    let isSingle = try c.rank(x) == n + 1
    if isSingle { x = try c.unsqueezed(x, [0]) }
    guard try c.rank(weight) == n + 2, try c.rank(x) == n + 2 else {
      throw EngineError(.malformed, "operands do not have \(n) spatial axes")
    }
    let dims = try c.dims(weight)
    let kernel = dims.suffix(n).compactMap(\.known)
    let strides = try c.spatial("stride", n, 1)
    let dilations = try c.spatial("dilation", n, 1)
    let bounds = kernel + strides + dilations
    guard kernel.count == n, bounds.allSatisfy({ $0 > 0 && $0 < 1 << 31 }) else {
      throw EngineError(.malformed, "kernel, stride or dilation is out of range")
    }
    var window = Window(kernel: kernel)
    if strides.contains(where: { $0 != 1 }) { window.strides = strides }
    if dilations.contains(where: { $0 != 1 }) { window.dilations = dilations }
    let pads = try pads(c, n, kernel, dilations)
    if (pads.begin + pads.end).contains(where: { $0 != 0 }) {
      (window.padsBegin, window.padsEnd) = (pads.begin, pads.end)
    }
    let group = try c.int("groups", 1)
    guard group > 0 else { throw EngineError(.malformed, "'groups' is not positive") }
    var result: ValueID
    let inputs = bias.map { [x, weight, $0] } ?? [x, weight]
    if isTransposed {
      let extra = try c.spatial("output_padding", n, 0)
      result = try c.builder.apply(
        ConvTranspose(
          window: window, group: group,
          outputPadding: extra.contains { $0 != 0 } ? extra : []), inputs: inputs)
    } else {
      result = try c.builder.apply(Conv(window: window, group: group), inputs: inputs)
    }
    if isSingle { result = try c.squeezed(result, [0]) }
    return result
  }

  private static func pads(
    _ c: TorchCall, _ n: Int, _ kernel: [Int], _ dilations: [Int]
  ) throws(EngineError) -> (begin: [Int], end: [Int]) {
    var (begin, end) = (Array(repeating: 0, count: n), Array(repeating: 0, count: n))
    if case .text(let mode)? = c.argument("padding") {
      // 'same' adds the odd element behind.
      if mode == "same" {
        for i in 0..<n {
          let (total, overflow) = (kernel[i] - 1).multipliedReportingOverflow(by: dilations[i])
          guard !overflow, total < 1 << 31 else {
            throw EngineError(.malformed, "the kernel's reach is out of range")
          }
          (begin[i], end[i]) = (total / 2, total - total / 2)
        }
      }
      return (begin, end)
    }
    begin = try c.spatial("padding", n, 0)
    guard begin.allSatisfy({ $0 >= 0 && $0 < 1 << 31 }) else {
      throw EngineError(.malformed, "'padding' is out of range", received: "\(begin)")
    }
    return (begin, begin)
  }
}
