import CKernels

/// What becomes of numbers by chance.
public enum Chances {
  /// `y[i] = x[i] * scale` where `drawn[i] >= ratio`, else `x[i] * 0`; `mask[i]` says which.
  public static func drop(
    _ n: Int, _ drawn: UnsafePointer<Double>, ratio: Double, scale: Float,
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, mask: UnsafeMutablePointer<Bool>?
  ) {
    mask.withBytes { mask in
      #if arch(x86_64)
        if InstructionSet.current >= .avx512 {
          return dl_drop_f32__avx512(n, drawn, ratio, scale, x, y, mask)
        }
        if InstructionSet.current >= .avx2 {
          return dl_drop_f32__avx2(n, drawn, ratio, scale, x, y, mask)
        }
      #endif
      dl_drop_f32__scalar(n, drawn, ratio, scale, x, y, mask)
    }
  }

  /// `y[i] = 1` where `drawn[i] < x[i]`, else 0; returns whether every x lies in [0, 1].
  public static func isBelow(
    _ n: Int, _ drawn: UnsafePointer<Double>, _ x: UnsafePointer<Float>,
    _ y: UnsafeMutablePointer<Float>
  ) -> Bool {
    #if arch(x86_64)
      if InstructionSet.current >= .avx512 { return dl_bernoulli_f32__avx512(n, drawn, x, y) == 0 }
      if InstructionSet.current >= .avx2 { return dl_bernoulli_f32__avx2(n, drawn, x, y) == 0 }
    #endif
    return dl_bernoulli_f32__scalar(n, drawn, x, y) == 0
  }
}

extension UnsafeMutablePointer<Bool>? {
  fileprivate func withBytes(_ body: (UnsafeMutablePointer<UInt8>?) -> Void) {
    body(map { UnsafeMutableRawPointer($0).assumingMemoryBound(to: UInt8.self) })
  }
}
