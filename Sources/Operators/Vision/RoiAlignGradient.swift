import Graphs
import Kernels
import Tensors

/// The gradients of `RoiAlign` by the feature maps and the regions.
///
/// - `X`, `rois`, `batch_indices`: RoiAlign's inputs. `dY`: the gradient by its output.
/// - Attributes: those of RoiAlign.
/// - Outputs: `dX` and `d_rois`, of the shapes of X and rois.
/// - Errors: those of RoiAlign; `.shape` for a gradient of another shape than the output.
/// - Edges: in mode max the largest weighted corner takes all, the first of equals. The number of
///   samples counts as constant.
/// - Accuracy: computed in float64, rounded once; the same for any number of threads.
/// - Gradient: none.
/// - Source: domain ai.dlrun 1; RoiAlign transposed.
public struct RoiAlignGradient: Operator {
  public let pool: RoiAlign

  public static let schema = Schema(
    "RoiAlignGradient", domain: "ai.dlrun", versions: [1],
    inputs: [
      Parameter("X", .floats, "T1"), Parameter("rois", .floats, "T1"),
      Parameter("batch_indices", .int64, "T2"), Parameter("dY", .floats, "T1"),
    ],
    outputs: [Parameter("dX", .floats, "T1"), .optional("d_rois", .floats, "T1")],
    attributes: RoiAlign.schema.attributes.map { AttributeSpec($0.name, $0.kind, $0.doc) },
    cases: {
      let x = try Tensor(shape: [1, 2, 4, 4], (1...32).map { Float($0 * $0 % 13) })
      let rois = try Tensor(shape: [2, 4], [0.2, 0.3, 2.9, 3.1, 1, 0.4, 3.3, 2.2] as [Float])
      let images = try Tensor([0, 0] as [Int64])
      let dy = try Tensor(shape: [2, 2, 2, 2], (0..<16).map { Float(($0 * 5) % 16) / 8 - 1 })
      return [
        .init(
          RoiAlignGradient(RoiAlign(height: 2, width: 2)), [x, rois, images, dy], outputCount: 2)
      ]
    })

  public init(_ pool: RoiAlign) { self.pool = pool }
  public init(reading a: AttributeReader) throws(EngineError) {
    pool = try RoiAlign(
      reading: AttributeReader(
        "RoiAlign", opset: 22, attributes: a.all, inputCount: 3, outputCount: 1))
  }
  public var attributes: [Attribute] { pool.attributes }

  public func infer(_ c: Inference) throws(EngineError) -> [Fact] {
    let y = try pool.infer(Inference(inputs: Array(c.inputs.prefix(3))))
    if let want = y[0].dims, let dy = c.dims(3) {
      let fits =
        want.count == dy.count
        && zip(want, dy).allSatisfy { $0.known == nil || $1.known == nil || $0 == $1 }
      guard fits else {
        throw EngineError(
          .shape, "the gradient does not have the output's shape", expected: "\(want)",
          received: "\(dy)")
      }
    }
    return [Fact(c.dtype(0), c.dims(0)), Fact(c.dtype(1), c.dims(1))]
  }

  public func prepare(_ p: Preparation) throws(EngineError) -> Prepared {
    let (x, rois) = (try p.input(0), try p.input(1))
    guard DTypes.floats.contains(x.dtype), rois.dtype == x.dtype, try p.input(3).dtype == x.dtype
    else { throw p.noKernel() }
    let op = pool
    let (regions, channels) = (rois.shape[0], x.shape[1])
    let plane = x.shape[2] * x.shape[3]
    let bins = op.height * op.width
    let (wantsX, wantsRois) = (p.wants(0), p.wants(1))
    // The maps' gradients in float64, then each channel's part of the regions'.
    return Prepared(
      scratchBytes: (x.count + regions * channels * 4) * 8, label: "roi align gradient"
    ) { (m) throws(EngineError) in
      let maps = m.scratch.assumingMemoryBound(to: Double.self)
      let parts = maps + x.count
      for i in 0..<(x.count + regions * channels * 4) { maps[i] = 0 }
      for r in 0..<regions {
        let image = m.input(2, Int64.self)[r]
        guard image >= 0, image < Int64(x.shape[0]) else {
          throw EngineError(
            .value, "region \(r) is of an image that does not exist",
            expected: "0 to \(x.shape[0] - 1)", received: "\(image)")
        }
        let region = try AlignedRegion(op, m.inputs[1], r, x)
        m.pool.run(channels) { channel in
          let at = (Int(image) * channels + channel) * plane
          region.spread(
            m.inputs[0], plane: at, m.inputs[3], first: (r * channels + channel) * bins,
            to: maps + at, corners: parts + (r * channels + channel) * 4)
        }
      }
      if wantsX { for i in 0..<x.count { storeNumber(maps[i], m.outputs[0], i, x.dtype) } }
      guard wantsRois else { return }
      for r in 0..<regions {
        for k in 0..<4 {
          var sum = 0.0
          for channel in 0..<channels { sum += parts[(r * channels + channel) * 4 + k] }
          storeNumber(sum, m.outputs[1], r * 4 + k, x.dtype)
        }
      }
    }
  }
}

extension AlignedRegion {
  /// The gradients of one channel's bins, added to the map's plane and to the region's corners
  /// `x1, y1, x2, y2`.
  fileprivate func spread(
    _ x: UnsafeRawPointer, plane: Int, _ dy: UnsafeRawPointer, first: Int,
    to map: UnsafeMutablePointer<Double>, corners: UnsafeMutablePointer<Double>
  ) {
    let count = down * across
    guard count > 0 else { return }
    // By the region's first corner and by the size of a bin, down and across.
    var (dTop, dLeft, dTall, dWide) = (0.0, 0.0, 0.0, 0.0)
    for bin in 0..<op.height * op.width {
      let up = loadNumber(dy, first + bin, dtype)
      var best: (value: Double, i: Int, j: Int, corner: Int) = (-.infinity, 0, 0, 0)
      for i in 0..<down {
        for j in 0..<across {
          let s = sample(bin, i, j)
          if !op.takesMax {
            let part = up / Double(count)
            for corner in 0..<4 {
              add(s, corner, part, x, plane, map, &dTop, &dLeft, &dTall, &dWide)
            }
            continue
          }
          for corner in 0..<4 {
            let value = s.weight(corner) * loadNumber(x, plane + s.place(corner), dtype)
            if value > best.value { best = (value, i, j, corner) }
          }
        }
      }
      if op.takesMax {
        add(
          sample(bin, best.i, best.j), best.corner, up, x, plane, map, &dTop, &dLeft, &dTall,
          &dWide)
      }
    }
    // The coordinates are scaled; a size below 1 may have been raised to 1.
    let scale = Double(op.scale)
    let tallMoves = op.isHalfPixel || binHeight * Double(op.height) > 1
    let wideMoves = op.isHalfPixel || binWidth * Double(op.width) > 1
    let tall = tallMoves ? dTall / Double(op.height) : 0
    let wide = wideMoves ? dWide / Double(op.width) : 0
    corners[0] += scale * (dLeft - wide)
    corners[1] += scale * (dTop - tall)
    corners[2] += scale * wide
    corners[3] += scale * tall
  }

  private func add(
    _ s: Sample, _ corner: Int, _ up: Double, _ x: UnsafeRawPointer, _ plane: Int,
    _ map: UnsafeMutablePointer<Double>, _ dTop: inout Double, _ dLeft: inout Double,
    _ dTall: inout Double, _ dWide: inout Double
  ) {
    guard s.isInside else { return }
    map[s.place(corner)] += up * s.weight(corner)
    let value = up * loadNumber(x, plane + s.place(corner), dtype)
    let (v, h) = s.slopes(corner)
    dTop += value * v
    dTall += value * v * s.tallShare
    dLeft += value * h
    dWide += value * h * s.wideShare
  }

  private struct Sample {
    var isInside = false
    var (r0, r1, c0, c1) = (0, 0, 0, 0)
    var (v, h) = (0.0, 0.0)
    var (movesDown, movesAcross) = (false, false)
    var columns = 0
    /// How far, in bins, the sample lies behind the region's corner.
    var (tallShare, wideShare) = (0.0, 0.0)

    func place(_ corner: Int) -> Int {
      (corner < 2 ? r0 : r1) * columns + (corner % 2 == 0 ? c0 : c1)
    }
    func weight(_ corner: Int) -> Double {
      isInside ? (corner < 2 ? 1 - v : v) * (corner % 2 == 0 ? 1 - h : h) : 0
    }
    /// The derivatives of the weight by row and column.
    func slopes(_ corner: Int) -> (Double, Double) {
      let (a, b) = (corner < 2 ? 1 - v : v, corner % 2 == 0 ? 1 - h : h)
      return (
        movesDown ? (corner < 2 ? -b : b) : 0, movesAcross ? (corner % 2 == 0 ? -a : a) : 0
      )
    }
  }

  private func sample(_ bin: Int, _ i: Int, _ j: Int) -> Sample {
    var s = Sample()
    s.columns = columns
    s.tallShare = Double(bin / op.width) + (Double(i) + 0.5) / Double(down)
    s.wideShare = Double(bin % op.width) + (Double(j) + 0.5) / Double(across)
    let (row, column) = (top + s.tallShare * binHeight, left + s.wideShare * binWidth)
    guard row >= -1, row <= Double(rows), column >= -1, column <= Double(columns), rows > 0,
      columns > 0
    else { return s }
    s.isInside = true
    let r = min(max(row, 0), Double(rows - 1))
    let c = min(max(column, 0), Double(columns - 1))
    (s.r0, s.c0) = (Int(r), Int(c))
    (s.r1, s.c1) = (min(s.r0 + 1, rows - 1), min(s.c0 + 1, columns - 1))
    (s.v, s.h) = (r - Double(s.r0), c - Double(s.c0))
    (s.movesDown, s.movesAcross) = (r == row, c == column)
    return s
  }
}
