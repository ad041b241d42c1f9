import Graphs
import Operators
import TestSupport
import Tensors
import Testing

@Suite struct ConvTransposeTests {
  @Test func vectorsAreThere() { #expect(ProductVectors.of("ConvTranspose").count == 17) }
  @Test(arguments: ProductVectors.of("ConvTranspose")) func gives(_ v: Vector) throws {
    try ProductVectors.check(v)
  }

  /// <conv(x), y> = <x, convTranspose(y)>: the one is the transpose of the other.
  @Test func isTheTransposeOfConv() throws {
    for (group, w) in [(1, [20, 24, 3, 3] as Shape), (4, [20, 6, 2, 3])] {
      let window = Window(strides: [2, 1], padsBegin: [1, 0], padsEnd: [0, 1])
      let x = try ProductVectors.wave([1, 24, 17, 19])
      let weights = try ProductVectors.wave(w, 11)
      let forward = try ProductVectors.run(Conv(window: window, group: group), [x, weights])
      let y = try ProductVectors.wave(forward.shape, 13)
      let op = ConvTranspose(window: window, group: group, outputShape: [])
      for threads in [1, 3] {
        let back = try ProductVectors.run(op, [y, weights], constants: [1], threads: threads)
        // What the stride left over of x belongs to no window.
        var (a, b) = (0.0, 0.0)
        for (p, q) in zip(forward.elements(Float.self), y.elements(Float.self)) {
          a += Double(p) * Double(q)
        }
        let (h, v) = (back.shape[2], back.shape[3])
        #expect(h <= 17 && v <= 19)
        for i in 0..<back.count {
          let (c, place) = (i / (h * v), i % (h * v))
          let source = (c * 17 + place / v) * 19 + place % v
          b += Double(back.elements(Float.self)[i]) * Double(x.elements(Float.self)[source])
        }
        #expect(abs(a - b) <= 1e-4 * max(1, abs(a)), "\(a) and \(b)")
      }
    }
  }

  @Test func faultsHaveTheirCodes() {
    #expect(ProductVectors.fault(ConvTranspose(), [1, 2, 5, 5], [3, 2, 3, 3]) == .shape)
    #expect(ProductVectors.fault(ConvTranspose(group: 2), [1, 3, 5], [3, 2, 3]) == .shape)
    let pads = ConvTranspose(window: Window(padsBegin: [9], padsEnd: [9]))
    #expect(ProductVectors.fault(pads, [1, 3, 5], [3, 2, 3]) == .shape)
    let shape = ConvTranspose(outputShape: [4, 4])
    #expect(ProductVectors.fault(shape, [1, 3, 5], [3, 2, 3]) == .attribute)
  }
}
