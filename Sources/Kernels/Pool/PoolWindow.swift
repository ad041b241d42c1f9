import CKernels

extension PoolKernel {
  private typealias Window =
    @convention(c) (
      Int32, UnsafePointer<Float>?, UnsafePointer<Int>?, UnsafePointer<Int>?, UnsafePointer<Int>?,
      Int, UnsafePointer<dl_pool_line>?, UnsafePointer<Int>?, UnsafeMutablePointer<Float>?
    ) -> Void
  private static let windows: [Window] = [
    dl_pool_f32_window__scalar, dl_pool_f32_window__avx2, dl_pool_f32_window__avx512,
  ]
  private typealias Planes =
    @convention(c) (
      Int32, UnsafePointer<Float>?, Int, Int, UnsafePointer<Int>?, UnsafePointer<Int>?,
      UnsafePointer<Int>?, Int, UnsafePointer<dl_pool_line>?, UnsafePointer<Int>?,
      UnsafeMutablePointer<Float>?
    ) -> Void
  private static let sides: [Planes] = [
    dl_pool_f32_planes__scalar, dl_pool_f32_planes__avx2, dl_pool_f32_planes__avx512,
  ]
  private typealias Places =
    @convention(c) (
      UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Int>?, UnsafePointer<Int>?, Int,
      UnsafePointer<dl_pool_line>?, Int, UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Int64>?
    ) -> Void
  private static let places: [Places] = [
    dl_pool_f32_places__scalar, dl_pool_f32_places__avx2, dl_pool_f32_places__avx512,
  ]

  /// Whether 16 windows side by side reach over no more columns than the kernels hold.
  private var isNarrow: Bool {
    let (reach, overflows) = (last.kernel - 1).multipliedReportingOverflow(by: last.dilation)
    let span = Int(DL_POOL_SPAN)
    return !overflows && reach < span && last.stride < span && 15 * last.stride + reach < span
  }

  private var line: dl_pool_line {
    dl_pool_line(
      input: last.input, output: last.output, kernel: last.kernel, stride: last.stride,
      dilation: last.dilation, pad: last.padBegin)
  }

  /// The window's rows folded onto each other, then its columns. False where it is too wide.
  func runWindow(
    _ op: Int32, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ pool: ThreadPool,
    _ lanes: LaneSet
  ) -> Bool {
    guard isNarrow else { return false }
    let run = PoolKernel.windows[Int(lanes.rawValue)]
    let line = line
    var columns: UnsafePointer<Int>?
    if case .average = kind { columns = UnsafePointer(columnCount.at) }
    let divided = columns
    runRows(pool) { plane, rows in
      withUnsafePointer(to: line) { line in
        run(
          op, x + plane * inputSize, start.at + rows.lowerBound, offset.at,
          rowCount.at + rows.lowerBound, rows.count, line, divided,
          y + (plane * self.rows + rows.lowerBound) * last.output)
      }
    }
    return true
  }

  /// Small planes side by side in the lanes. False for large ones, and for few.
  func runPlanes(
    _ op: Int32, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ pool: ThreadPool,
    _ lanes: LaneSet
  ) -> Bool {
    let most = Int(DL_POOL_PLANE)
    guard planes >= 8, inputSize > 0, inputSize <= most, rows * last.output <= most,
      !last.kernel.multipliedReportingOverflow(by: last.dilation).overflow
    else { return false }
    let run = PoolKernel.sides[Int(lanes.rawValue)]
    let line = line
    var columns: UnsafePointer<Int>?
    if case .average = kind { columns = UnsafePointer(columnCount.at) }
    let divided = columns
    let groups = (planes + 15) / 16
    let each = Swift.max(1, 512 / inputSize)
    pool.run((groups + each - 1) / each) { piece in
      let first = piece * each * 16
      withUnsafePointer(to: line) { line in
        run(
          op, x + first * inputSize, inputSize, Swift.min(planes - first, each * 16), start.at,
          offset.at, rowCount.at, rows, line, divided, y + first * rows * last.output)
      }
    }
    return true
  }

  /// The largest elements and their places, row-major. False where the window is too wide.
  func runPlaces(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    _ indices: UnsafeMutablePointer<Int64>, _ pool: ThreadPool, _ lanes: LaneSet
  ) -> Bool {
    guard isNarrow, inputSize <= Int(Int32.max) else { return false }
    let run = PoolKernel.places[Int(lanes.rawValue)]
    let line = line
    let limit = x + planes * inputSize
    runRows(pool) { plane, rows in
      let at = (plane * self.rows + rows.lowerBound) * last.output
      withUnsafePointer(to: line) { line in
        run(
          x + plane * inputSize, limit, start.at + rows.lowerBound, offset.at, rows.count, line,
          plane * inputSize, y + at, indices + at)
      }
    }
    return true
  }

  /// One window over all elements of a plane is a fold of its row. False for other windows.
  func runWhole(
    _ op: Int32, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ pool: ThreadPool,
    _ lanes: LaneSet
  ) -> Bool {
    guard rows == 1, last.output == 1, last.valid(0).count == last.input, inputSize > 0,
      (start[1] - start[0]) * last.input == inputSize
    else { return false }
    let fold: Fold = op == 0 ? .max : op == 1 ? .sum : op == 2 ? .sumOfMagnitudes : .sumOfSquares
    fold.run(
      .float32, x, outer: planes, n: inputSize, inner: 1, into: y, pool: pool, lanes: lanes)
    if op == 1 || op == 3 {
      FoldFinish.run(
        op == 1 ? .divide : .squareRoot, .float32, y, count: planes,
        divisor: rowCount[0] * columnCount[0])
    }
    return true
  }

  /// Rows of outputs in stretches, each within one plane.
  private func runRows(_ pool: ThreadPool, _ body: (_ plane: Int, _ rows: Range<Int>) -> Void) {
    let each = Swift.max(4, 8192 / Swift.max(1, last.output))
    let total = planes * rows
    pool.run((total + each - 1) / each) { piece in
      var at = piece * each
      let end = Swift.min(total, at + each)
      while at < end {
        let row = at % rows
        let count = Swift.min(rows - row, end - at)
        body(at / rows, row..<row + count)
        at += count
      }
    }
  }
}
