import CKernels

/// Means of samples in the bins of regions of feature maps, the samples read between pixels, or the
/// largest of their weighted pixels.
///
/// A bin's mean is a weighted sum of pixels whose weights are a product of one for the row and one
/// for the column, so both are worked out once for all channels, in scratch; there channels lie 16
/// side by side meanwhile.
public struct RegionPooling: Sendable {
  /// A region in the map's coordinates along one axis: where its bins begin, their length, and the
  /// samples of each.
  public struct Side: Sendable {
    let first: Double
    let bin: Double
    let samples: Int
    public init(first: Double, bin: Double, samples: Int) {
      self.first = first
      self.bin = bin
      self.samples = samples
    }
  }

  private let channels: Int
  private let rows: Int
  private let columns: Int
  private let regions: Int
  private let bins: (rows: Int, columns: Int)
  private let down: RegionAxis
  private let across: RegionAxis
  private let slots: Int
  private let takesPeaks: Bool
  private let isa: InstructionSet
  private static let lanes = 16

  /// - `map`: rows and columns of a feature map; `bins`: those of a region.
  /// - `samples`: the most that a region has along a bin's side; nil where that is open.
  /// - `takesPeaks`: the largest pixel times its weight instead of the mean.
  public init(
    channels: Int, map: (rows: Int, columns: Int), bins: (rows: Int, columns: Int), regions: Int,
    samples: Int?, takesPeaks: Bool = false, threads: Int, isa: InstructionSet = .current
  ) {
    self.channels = channels
    (rows, columns) = map
    self.bins = bins
    self.regions = regions
    self.takesPeaks = takesPeaks
    down = RegionAxis(
      bins: bins.rows, size: map.rows, regions: regions, samples: samples, isApart: takesPeaks)
    across = RegionAxis(
      bins: bins.columns, size: map.columns, regions: regions, samples: samples,
      isApart: takesPeaks)
    slots = max(1, min(threads, (channels + Self.lanes - 1) / Self.lanes))
    self.isa = isa
  }

  private var slotFloats: Int { (rows * columns + bins.rows * bins.columns) * Self.lanes }
  /// Bytes of scratch that `run` needs, 64-byte aligned.
  public var scratchBytes: Int {
    slots * slotFloats * 4 + down.byteCount + across.byteCount + regions * 4
  }

  /// Pools the regions of `maps` maps `x`, `[maps, channels, rows, columns]`, into `y`, `[regions,
  /// channels, bins]`.
  ///
  /// - `region`: the map of region `r`, from 0 to `maps - 1`, and its sides.
  public func run<E: Error>(
    maps: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool,
    region: (Int) throws(E) -> (map: Int, down: Side, across: Side)
  ) throws(E) {
    let downs = down.terms(at: scratch + slots * slotFloats * 4)
    let acrosses = across.terms(at: scratch + slots * slotFloats * 4 + down.byteCount)
    let mapOf =
      (scratch + slots * slotFloats * 4 + down.byteCount + across.byteCount)
      .assumingMemoryBound(to: Int32.self)
    for r in 0..<regions {
      let own = try region(r)
      mapOf[r] = Int32(own.map)
      downs.fill(r, own.down)
      acrosses.fill(r, own.across)
    }
    for map in 0..<maps {
      var (low, high, isUsed) = (rows, 0, false)
      for r in 0..<regions where mapOf[r] == map {
        isUsed = true
        downs.extend(&low, &high, by: r)
      }
      guard isUsed else { continue }
      pool.run((channels + Self.lanes - 1) / Self.lanes, slots: slots) { group, slot in
        runGroup(
          group, of: map, rows: low..<max(low, high), downs, acrosses, mapOf,
          x: x + map * channels * rows * columns, y: y,
          pixels: scratch.assumingMemoryBound(to: Float.self) + slot * slotFloats)
      }
    }
  }

  /// 16 channels of all regions of one map, which read `used` rows of it.
  private func runGroup(
    _ group: Int, of map: Int, rows used: Range<Int>, _ downs: RegionAxis.Terms,
    _ acrosses: RegionAxis.Terms, _ mapOf: UnsafePointer<Int32>, x: UnsafePointer<Float>,
    y: UnsafeMutablePointer<Float>, pixels: UnsafeMutablePointer<Float>
  ) {
    let first = group * Self.lanes
    let count = min(Self.lanes, channels - first)
    let sums = pixels + rows * columns * Self.lanes
    let top = pixels + used.lowerBound * columns * Self.lanes
    if count < Self.lanes {
      top.update(repeating: 0, count: used.count * columns * Self.lanes)
    }
    transpose(
      x + (first * rows + used.lowerBound) * columns, stride: rows * columns, rows: count,
      columns: used.count * columns, to: top, stride: Self.lanes)
    let binCount = bins.rows * bins.columns
    let means =
      isa >= .avx512
      ? dl_pool_region__avx512 : isa >= .avx2 ? dl_pool_region__avx2 : dl_pool_region__scalar
    let peaks =
      isa >= .avx512
      ? dl_peak_region__avx512 : isa >= .avx2 ? dl_peak_region__avx2 : dl_peak_region__scalar
    let pool = takesPeaks ? peaks : means
    for r in 0..<regions where mapOf[r] == map {
      var (rowAxis, columnAxis) = (downs.axis(r), acrosses.axis(r))
      pool(
        pixels, Int64(columns * Self.lanes), &rowAxis, Int64(bins.rows), &columnAxis,
        Int64(bins.columns), sums)
      transpose(
        sums, stride: Self.lanes, rows: binCount, columns: count,
        to: y + (r * channels + first) * binCount, stride: binCount)
    }
  }

  private func transpose(
    _ from: UnsafePointer<Float>, stride: Int, rows: Int, columns: Int,
    to: UnsafeMutablePointer<Float>, stride target: Int
  ) {
    if isa >= .avx2 {
      dl_transpose_x32_8x8__avx2(
        to, Int64(target * 4), from, Int64(stride * 4), Int64(rows), Int64(columns))
    } else {
      dl_transpose_2d__scalar(
        to, Int64(target * 4), from, Int64(stride * 4), Int64(rows), Int64(columns), 4)
    }
  }
}

/// The weights of regions along one axis of a map: of each bin, the places that it sums.
private struct RegionAxis: Sendable {
  let bins: Int
  /// Pixels of the map.
  let size: Int
  let regions: Int
  /// Whether each sample keeps terms of its own, whole and 0 too, instead of its share in a sum.
  let isApart: Bool
  /// Terms of a region, at most.
  let capacity: Int

  init(bins: Int, size: Int, regions: Int, samples: Int?, isApart: Bool) {
    self.bins = bins
    self.size = size
    self.regions = regions
    self.isApart = isApart
    if isApart {
      // Samples of adaptive bins lie half a pixel apart or more, or alone in theirs; those outside
      // are one term a bin, if any.
      let inside = samples.map { $0 * bins } ?? 2 * size + 4 + bins
      capacity = 2 * inside + bins
      return
    }
    // Bins lie side by side, and each reaches into a pixel that its neighbour has too.
    let apart = size + 2 * bins + 1
    capacity = min(apart, samples.map { 2 * $0 * bins } ?? apart)
  }

  var byteCount: Int { (regions * (bins + 1 + 2 * capacity) * 4 + 63) & ~63 }

  func terms(at memory: UnsafeMutableRawPointer) -> Terms {
    let starts = memory.assumingMemoryBound(to: Int32.self)
    let places = starts + regions * (bins + 1)
    return Terms(
      of: self, starts: starts, places: places,
      weights: UnsafeMutableRawPointer(places + regions * capacity)
        .assumingMemoryBound(to: Float.self))
  }

  struct Terms: @unchecked Sendable {
    let of: RegionAxis
    let starts: UnsafeMutablePointer<Int32>
    let places: UnsafeMutablePointer<Int32>
    let weights: UnsafeMutablePointer<Float>

    func axis(_ r: Int) -> dl_region_axis {
      dl_region_axis(
        starts: starts + r * (of.bins + 1), places: places + r * of.capacity,
        weights: weights + r * of.capacity)
    }

    /// Widens `low..<high` to the places of region `r`.
    func extend(_ low: inout Int, _ high: inout Int, by r: Int) {
      let first = r * of.capacity
      for i in first..<first + Int(starts[(r + 1) * (of.bins + 1) - 1]) {
        low = min(low, Int(places[i]))
        high = max(high, Int(places[i]) + 1)
      }
    }

    /// Settles the terms of region `r`. Samples more than a pixel outside of the map are zeros.
    func fill(_ r: Int, _ side: RegionPooling.Side) {
      let starts = starts + r * (of.bins + 1)
      let places = places + r * of.capacity
      let weights = weights + r * of.capacity
      var count = 0
      for b in 0..<of.bins {
        starts[b] = Int32(count)
        let begin = count
        func add(_ place: Int, _ weight: Double) {
          if of.isApart {
            guard count < of.capacity else { return }
            (places[count], weights[count]) = (Int32(place), Float(weight))
            count += 1
            return
          }
          let share = Float(weight / Double(side.samples))
          // Rising samples meet one of the last two again, or none.
          let recent = side.bin < 0 ? begin : max(begin, count - 2)
          for i in recent..<count where places[i] == place {
            weights[i] += share
            return
          }
          guard count < of.capacity else { return }
          (places[count], weights[count]) = (Int32(place), share)
          count += 1
        }
        for i in 0..<side.samples where of.size > 0 {
          let at =
            side.first + Double(b) * side.bin
            + (Double(i) + 0.5) * side.bin / Double(side.samples)
          guard at >= -1, at <= Double(of.size) else {
            if of.isApart, count == begin || weights[count - 1] != 0 { add(0, 0) }
            continue
          }
          let inside = min(max(at, 0), Double(of.size - 1))
          let low = Int(inside)
          let part = inside - Double(low)
          add(low, 1 - part)
          if part > 0 || of.isApart { add(min(low + 1, of.size - 1), part) }
        }
      }
      starts[of.bins] = Int32(count)
    }
  }
}
