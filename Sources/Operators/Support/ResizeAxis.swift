import Glibc
import Kernels
import Tensors

/// How Resize picks the place in the input for a place in the output.
public enum CoordinateMode: String, Sendable, Hashable, CaseIterable {
  case halfPixel = "half_pixel"
  case halfPixelSymmetric = "half_pixel_symmetric"
  case pytorchHalfPixel = "pytorch_half_pixel"
  case alignCorners = "align_corners"
  case asymmetric
  case halfPixelForNearest = "tf_half_pixel_for_nn"
  case cropAndResize = "tf_crop_and_resize"
}

/// Which of two neighbours the nearest one is. `simple`, before opset 11, rounds up where the axis
/// shrinks and down where it grows.
public enum NearestMode: String, Sendable, Hashable, CaseIterable {
  case roundPreferFloor = "round_prefer_floor"
  case roundPreferCeil = "round_prefer_ceil"
  case floor, ceil, simple
}

/// One axis of a Resize: sizes, scale and region of interest, and what follows for each element.
///
/// Source: onnx's reference implementation, whose order of operations is kept.
struct ResizeAxis {
  let axis: Int
  let input: Int
  let output: Int
  let scale: Double
  let roi: (start: Double, end: Double)
  let mode: CoordinateMode

  /// Whether the axis stays as it is.
  var isIdentity: Bool {
    input == output && abs(scale - 1) <= 1e-9
      && (mode != .cropAndResize || roi.start == 0 && roi.end == 1)
  }

  /// Place in the input of element `i` of the output.
  func coordinate(_ i: Int) -> Double {
    let x = Double(i)
    let n = Double(input)
    let width = scale * n
    switch mode {
    case .halfPixel: return (x + 0.5) / scale - 0.5
    case .halfPixelForNearest: return (x + 0.5) / scale
    case .halfPixelSymmetric:
      let offset = n / 2 * (1 - Double(output) / width)
      return offset + (x + 0.5) / scale - 0.5
    case .pytorchHalfPixel: return width == 1 ? -0.5 : (x + 0.5) / scale - 0.5
    case .alignCorners: return width == 1 ? 0 : x * (n - 1) / (width - 1)
    case .asymmetric: return x / scale
    case .cropAndResize:
      let along =
        width == 1
        ? (roi.end - roi.start) * (n - 1) / 2
        : x * (roi.end - roi.start) * (n - 1) / (width - 1)
      return along + roi.start * (n - 1)
    }
  }

  /// Elements of the output that the extrapolation value fills.
  func outside() -> [Int] {
    guard mode == .cropAndResize else { return [] }
    return (0..<output).filter {
      let x = coordinate($0)
      return !(x >= 0 && x <= Double(input - 1))
    }
  }

  /// The input element nearest to each output element.
  func nearest(_ rounding: NearestMode) -> [Int] {
    (0..<output).map { i in
      let x = coordinate(i)
      let place: Double
      switch rounding {
      case .roundPreferFloor: place = Glibc.ceil(x - 0.5)
      case .roundPreferCeil: place = Glibc.floor(x + 0.5)
      case .floor: place = Glibc.floor(x)
      case .ceil: place = Glibc.ceil(x)
      case .simple: place = scale < 1 ? Glibc.ceil(x) : x.rounded(.towardZero)
      }
      return clamped(place)
    }
  }

  private func clamped(_ place: Double) -> Int {
    place >= 0 ? Int(min(place, Double(input - 1))) : 0
  }

  /// The weights of neighbours for a place `ratio` (0 excluded, 1 included) behind the first.
  private func weights(_ ratio: Double, cubic a: Double?, antialias: Bool) -> [Double] {
    let scale = min(self.scale, 1)
    if let a {
      func weight(_ distance: Double) -> Double {
        let x = abs(distance)
        if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
      }
      if !antialias {
        return [weight(ratio + 1), weight(ratio), weight(1 - ratio), weight(2 - ratio)]
      }
      let first = Int(Glibc.floor(-2 / scale)) + 1
      let list = (first..<2 - first).map { weight(scale * (Double($0) - ratio)) }
      let sum = list.reduce(0, +)
      return list.map { $0 / sum }
    }
    if !antialias { return [1 - ratio, ratio] }
    let first = Int(Glibc.floor(-1 / scale)) + 1
    let list = (first..<2 - first).map { max(0, 1 - abs((Double($0) - ratio) * scale)) }
    let sum = list.reduce(0, +)
    return list.map { $0 / sum }
  }

  /// The weighted sums along the axis: cubic with coefficient `cubic`, else linear.
  func resampling(cubic: Double?, antialias: Bool, excludeOutside: Bool) -> AxisResampling {
    var indices: [Int32] = []
    var all: [Double] = []
    var taps = 0
    for i in 0..<output {
      let x = coordinate(i)
      let floor = Glibc.floor(x)
      // A whole place counts as the end of the interval before it.
      let ratio = x == floor ? 1 : x - floor
      var w = weights(ratio, cubic: cubic, antialias: antialias)
      taps = w.count
      let first = floor - Double(taps / 2) + (x == floor ? 0 : 1)
      if excludeOutside {
        for k in 0..<taps {
          let place = first + Double(k)
          if place < 0 || place >= Double(input) { w[k] = 0 }
        }
        let sum = w.reduce(0, +)
        if sum != 0 { w = w.map { $0 / sum } }
      }
      for k in 0..<taps { indices.append(Int32(clamped(first + Double(k)))) }
      all += w
    }
    return AxisResampling(
      axis: axis, size: output, taps: taps, indices: indices, weights: all)
  }
}
