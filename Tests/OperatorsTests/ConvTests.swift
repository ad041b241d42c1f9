import Graphs
import Operators
import TestSupport
import Tensors
import Testing

@Suite struct ConvTests {
  @Test func vectorsAreThere() { #expect(ProductVectors.of("Conv").count == 25) }
  @Test(arguments: ProductVectors.of("Conv")) func gives(_ v: Vector) throws {
    try ProductVectors.check(v)
  }

  /// A kernel with one tap picks a pixel: results are copies that can be read off, at sizes beyond
  /// one panel, one strip and one depth.
  @Test func manyChannels() throws {
    let (channels, outputs, size) = (70, 33, 9)
    let x = try Tensor(
      shape: [2, channels, size, size], (0..<2 * channels * size * size).map { Float($0 % 1009) })
    var w = [Float](repeating: 0, count: outputs * channels * 9)
    // Output m reads channel 2 m one pixel up and left of its own, twice.
    for m in 0..<outputs { w[(m * channels + 2 * m) * 9] = 2 }
    let weights = try Tensor(shape: [outputs, channels, 3, 3], w)
    let bias = try Tensor((0..<outputs).map { Float($0) })
    let op = Conv(window: Window(padsBegin: [1, 1], padsEnd: [1, 1]))
    let source = x.elements(Float.self)
    var want: [Float] = []
    for n in 0..<2 {
      for m in 0..<outputs {
        for h in 0..<size {
          for v in 0..<size {
            let inside = h > 0 && v > 0
            let place = ((n * channels + 2 * m) * size + h - 1) * size + v - 1
            want.append(Float(m) + (inside ? 2 * source[place] : 0))
          }
        }
      }
    }
    let expected = try Tensor(shape: [2, outputs, size, size], want)
    for constants in [Set<Int>(), [1]] {
      for threads in [1, 3] {
        let got = try ProductVectors.run(
          op, [x, weights, bias], constants: constants, threads: threads)
        // Winograd's tiles round against the largest number, 2,048 here, and 1e-5 of it is allowed.
        #expect(difference(got, expected, atol: 0.02) == nil)
      }
    }
  }

  @Test func threadsDoNotChangeAnyBit() throws {
    for (group, w) in [(1, [20, 24, 3, 3] as Shape), (24, [24, 1, 3, 3]), (2, [20, 12, 5, 5])] {
      let inputs = [try ProductVectors.wave([1, 24, 17, 19]), try ProductVectors.wave(w, 11)]
      let op = Conv(
        window: Window(strides: [1, 2], padsBegin: [2, 2], padsEnd: [2, 2]), group: group)
      let one = try ProductVectors.run(op, inputs, constants: [1])
      let many = try ProductVectors.run(op, inputs, constants: [1], threads: 4)
      #expect(one.rawBytes.elementsEqual(many.rawBytes))
    }
  }

  @Test func halvesAgreeWithFloats() throws {
    let inputs = [
      try ProductVectors.wave([1, 4, 7, 7]), try ProductVectors.wave([4, 1, 3, 3], 5),
      try ProductVectors.wave([4], 3),
    ]
    for group in [4] {
      let want = try ProductVectors.run(Conv(group: group), inputs)
      for dtype in [DType.float16, .bfloat16] {
        let half = try inputs.map { try Eager().apply(Cast(to: dtype), $0) }
        for constants in [Set<Int>(), [1]] {
          let got = try ProductVectors.run(Conv(group: group), half, constants: constants)
          let wide = try Eager().apply(Cast(to: .float32), got)
          #expect(difference(wide, want, rtol: 2e-2, atol: 2e-2) == nil)
        }
      }
    }
  }

  @Test func faultsHaveTheirCodes() {
    #expect(ProductVectors.fault(Conv(), [1, 2, 5, 5], [3, 3, 3, 3]) == .shape)
    #expect(ProductVectors.fault(Conv(), [1, 2, 5, 5], [3, 2, 6, 3]) == .shape)
    #expect(ProductVectors.fault(Conv(), [1, 2, 5], [3, 2, 3, 3]) == .shape)
    #expect(ProductVectors.fault(Conv(), [1, 2], [3, 2]) == .shape)
    #expect(ProductVectors.fault(Conv(), [1, 2, 5, 5], [3, 2, 3, 3], [4]) == .shape)
    #expect(ProductVectors.fault(Conv(group: 2), [1, 4, 5, 5], [3, 2, 3, 3]) == .shape)
    #expect(
      ProductVectors.fault(Conv(), [1, 1, 2, 2, 2, 2], [1, 1, 1, 1, 1, 1]) == .unsupported)
    let strides = Conv(window: Window(strides: [2]))
    #expect(ProductVectors.fault(strides, [1, 2, 5, 5], [3, 2, 3, 3]) == .attribute)
    let kernel = Conv(window: Window(kernel: [2, 2]))
    #expect(ProductVectors.fault(kernel, [1, 2, 5, 5], [3, 2, 3, 3]) == .shape)
  }

  @Test func readerRefusesBadAttributes() {
    func code(_ attributes: [Attribute]) -> EngineError.Code? {
      do throws(EngineError) {
        _ = try Conv(reading: AttributeReader("Conv", opset: 22, attributes: attributes))
        return nil
      } catch { return error.code }
    }
    #expect(code([.ints("strides", [0, 1])]) == .attribute)
    #expect(code([.ints("dilations", [1, -1])]) == .attribute)
    #expect(code([.ints("pads", [1, 1, 1])]) == .attribute)
    #expect(code([.ints("pads", [-1, 1])]) == .attribute)
    #expect(code([.ints("kernel_shape", [1 << 40])]) == .attribute)
    #expect(code([.ints("strides", [1, 1]), .ints("pads", [1, 1])]) == .attribute)
    #expect(code([.string("auto_pad", "SAME")]) == .attribute)
    #expect(code([.int("group", 0)]) == .attribute)
    #expect(code([.int("group", 3), .ints("pads", [1, 2, 3, 4])]) == nil)
  }
}
