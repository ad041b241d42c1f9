import CKernels

/// Adds up the columns of one plane where their windows lie in the image: the transpose of taking
/// windows out of it, along up to three axes.
public struct ColumnFolding: Sendable {
  private let window: dl_window

  /// - `image`, `windows`: sizes of the image and numbers of windows along each axis.
  ///
  /// Nil for more than three axes.
  public init?(
    image: [Int], windows: [Int], kernel: [Int], strides: [Int], dilations: [Int], pads: [Int]
  ) {
    guard image.count <= 3 else { return nil }
    func three(_ list: [Int], _ missing: Int) -> (Int, Int, Int) {
      let all = [Int](repeating: missing, count: 3 - list.count) + list
      return (all[0], all[1], all[2])
    }
    window = dl_window(
      input: three(image, 1), output: three(windows, 1), kernel: three(kernel, 1),
      stride: three(strides, 1), dilation: three(dilations, 1), pad: three(pads, 0))
  }

  /// - `columns`: `[taps, windows]`; `y`: the plane, which is written.
  public func run(_ columns: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>) {
    Self.fold(window, columns, bias: 0, to: y)
  }

  public func run(_ columns: UnsafePointer<Double>, to y: UnsafeMutablePointer<Double>) {
    Self.fold(window, columns, bias: 0, to: y)
  }

  /// The same, `bias` added to every place.
  static func fold(
    _ window: dl_window, _ columns: UnsafePointer<Float>, bias: Float,
    to y: UnsafeMutablePointer<Float>
  ) {
    withUnsafePointer(to: window) { w in
      #if arch(x86_64)
        let isa = InstructionSet.current
        if isa >= .avx512 { return dl_col2im_f32__avx512(y, columns, bias, w) }
        if isa >= .avx2 { return dl_col2im_f32__avx2(y, columns, bias, w) }
      #endif
      dl_col2im_f32__scalar(y, columns, bias, w)
    }
  }

  static func fold(
    _ window: dl_window, _ columns: UnsafePointer<Double>, bias: Double,
    to y: UnsafeMutablePointer<Double>
  ) {
    withUnsafePointer(to: window) { w in
      #if arch(x86_64)
        let isa = InstructionSet.current
        if isa >= .avx512 { return dl_col2im_f64__avx512(y, columns, bias, w) }
        if isa >= .avx2 { return dl_col2im_f64__avx2(y, columns, bias, w) }
      #endif
      dl_col2im_f64__scalar(y, columns, bias, w)
    }
  }
}
