import Tensors

extension AttentionKernel {
  /// Writes NaN over the results of queries of which the mask hides every key: what the softmax of
  /// nothing but -inf gives. Usually the first key of a query is seen, and nothing more is read.
  ///
  /// - `mask`: as the kernel's own; `dtype`: float32 or float64, that of the results.
  public func spoilHidden(
    _ dtype: DType, mask: UnsafeRawPointer, output: UnsafeMutableRawPointer
  ) {
    if dtype == .float32 {
      spoil(mask, output.assumingMemoryBound(to: Float.self))
    } else {
      spoil(mask, output.assumingMemoryBound(to: Double.self))
    }
  }

  private func spoil<T: BinaryFloatingPoint>(
    _ address: UnsafeRawPointer, _ y: UnsafeMutablePointer<T>
  ) {
    guard let mask else { return }
    for b in 0..<sizes.batch {
      for h in 0..<sizes.queryHeads {
        for i in 0..<sizes.queries {
          var high = min(sizes.total, mask.columns)
          if isCausal { high = min(high, sizes.past + i + 1) }
          let at = b * mask.batch + h * mask.head + i * mask.row
          var isHidden = true
          if mask.isBool {
            let bits = address.assumingMemoryBound(to: UInt8.self) + at
            for j in 0..<high where bits[j] != 0 {
              isHidden = false
              break
            }
          } else {
            let values = address.assumingMemoryBound(to: T.self) + at
            for j in 0..<high where values[j] != -.infinity {
              isHidden = false
              break
            }
          }
          guard isHidden else { continue }
          let row = y + b * output.batch + h * output.head + i * output.row
          for j in 0..<sizes.valueSize { row[j] = .nan }
        }
      }
    }
  }
}
