import Graphs
import Operators
import Tensors
import Testing

/// Images of float32 read linearly by the kernel, against those of float64, which are read one by one.
@Suite struct GridReadingTests {
  @Test(arguments: [GridSample.Padding.zeros, .border], [true, false])
  func equalsTheGeneralWay(padding: GridSample.Padding, aligns: Bool) throws {
    var pixels: [Double] = []
    for i in 0..<210 { pixels.append(Double((i * 37) % 101) / 10 - 5) }
    var places: [Double] = []
    for i in 0..<396 { places.append(Double((i * 53) % 97) / 32 - 1.5) }
    places[0] = -1
    places[1] = 1
    places[2] = 1e20
    places[4] = Double.nan
    places[7] = -Double.infinity
    // Numbers that float32 has as well.
    let x: [Float] = pixels.map { Float($0) }
    let grid: [Float] = places.map { Float($0) }
    let op = GridSample(mode: .linear, padding: padding, alignsCorners: aligns)
    let narrow = try Eager().apply(
      op, try Tensor(shape: [2, 3, 5, 7], x), try Tensor(shape: [2, 9, 11, 2], grid))
    let wide = try Eager().apply(
      op, try Tensor(shape: [2, 3, 5, 7], x.map { Double($0) }),
      try Tensor(shape: [2, 9, 11, 2], grid.map { Double($0) }))
    #expect(narrow.shape == wide.shape)
    for i in 0..<narrow.count {
      let (a, b) = (Double(narrow.elements(Float.self)[i]), wide.elements(Double.self)[i])
      #expect(abs(a - b) <= 4e-6, "\(i)")
    }
  }
}
