import CKernels
import Tensors

/// One direction of some rows of the batch.
struct PackedRecurrentPass {
  private let kernel: PackedRecurrentKernel
  private let o: RecurrentKernel.Operands
  private let d: Int
  /// The rows of the batch.
  private let rows: Range<Int>
  private let x: UnsafePointer<Float>
  private let w: UnsafePointer<Float>
  private let r: UnsafePointer<Float>
  private let bias: UnsafePointer<Float>
  private let partial: UnsafeMutablePointer<Float>
  private let product: UnsafeMutablePointer<Float>
  private let states: UnsafeMutablePointer<Float>
  /// Every row, then those that still run, for the first and the second half of a step.
  private let table: UnsafeMutablePointer<dl_recur_row>
  private var cell: dl_recur_cell
  /// Steps of the longest sequence.
  private let count: Int
  /// Steps that share one product.
  private let chunk: Int
  /// Which half of the product's memory the chunk at hand has.
  var half = 0
  /// Whether the first chunk's product has been begun by the pass before.
  var isBegun = false

  private var layer: RecurrentKernel { kernel.layer }
  private var hidden: Int { kernel.layer.hidden }
  private var isReverse: Bool { kernel.layer.isReverse[d] }

  init(
    _ kernel: PackedRecurrentKernel, _ o: RecurrentKernel.Operands, piece: Int,
    _ scratch: UnsafeMutableRawPointer, slot: Int
  ) {
    self.kernel = kernel
    self.o = o
    let layer = kernel.layer
    d = piece / kernel.groups
    let group = piece % kernel.groups
    rows = group * layer.batch / kernel.groups..<(group + 1) * layer.batch / kernel.groups
    x = o.x.assumingMemoryBound(to: Float.self)
    w = UnsafePointer(kernel.w.pointer(d))
    r = UnsafePointer(kernel.r.pointer(d))
    let base = scratch.assumingMemoryBound(to: Float.self)
    bias = UnsafePointer(base + d * kernel.width)
    let own = base + kernel.layout.shared + slot * kernel.layout.each
    partial = own + kernel.layout.partial
    product = own + kernel.layout.product
    states = own + kernel.layout.states
    table = UnsafeMutableRawPointer(own + kernel.layout.rowTable)
      .assumingMemoryBound(to: dl_recur_row.self)
    let each = layer.cell.activations
    var couples = false
    if case .lstm(true) = layer.cell { couples = true }
    cell = dl_recur_cell(
      layer.hidden, layer.activations[d * each..<(d + 1) * each], clip: layer.clip,
      couples: couples)
    let n = layer.cell.gates * layer.hidden
    if let p = o.peepholes {
      cell.peepholes = UnsafePointer(p.assumingMemoryBound(to: Float.self)) + d * 3 * layer.hidden
    }
    if let b = o.bias, layer.cell == .gru(linearBeforeReset: true) {
      cell.bias =
        UnsafePointer(b.assumingMemoryBound(to: Float.self)) + d * 2 * n + n + 2 * layer.hidden
    }
    var longest = layer.steps
    if let lengths = o.lengths {
      longest = 0
      for b in rows { longest = max(longest, Int(lengths[b])) }
    }
    count = longest
    if kernel.isBeside {
      // As even as possible: the last step's product costs as much as any.
      let chunks = max(1, (count + kernel.layout.chunk - 1) / kernel.layout.chunk)
      chunk = max(1, (count + chunks - 1) / chunks)
    } else {
      chunk = kernel.layout.chunk
    }
  }

  private func length(_ b: Int) -> Int { o.lengths.map { Int($0[b]) } ?? layer.steps }
  /// Where the state of row `b` lies in initial and last states.
  private func place(_ b: Int) -> Int {
    (layer.isBatchFirst ? b * layer.isReverse.count + d : d * layer.batch + b) * hidden
  }
  /// Where `Y` has row `b` of time `t`.
  private func place(_ b: Int, at t: Int) -> Int {
    let directions = layer.isReverse.count
    return hidden
      * (layer.isBatchFirst
        ? (b * layer.steps + t) * directions + d : (t * directions + d) * layer.batch + b)
  }
  /// Times that steps `first` to before `last` see. With lengths, rows of a batch that runs
  /// backwards are at different times in a step: all times are one chunk then.
  private func times(_ first: Int, _ last: Int) -> Range<Int> {
    isReverse ? count - last..<count - first : first..<last
  }

  /// Runs all steps; `next` is begun beside the last ones where that pays. Returns whether it was.
  mutating func run(_ pool: ThreadPool, before next: PackedRecurrentPass?) -> Bool {
    start()
    var isNextBegun = false
    var first = 0
    if count > 0, !isBegun {
      var p = makeProduct(0, half)
      take(&p, pool)
    }
    while first < count {
      let last = min(first + chunk, count)
      var side = dl_recur_product()
      var hasSide = false
      if kernel.isBeside {
        if last < count {
          side = makeProduct(last, 1 - half)
          hasSide = count >= Int(DL_RECUR_SIDE_ROWS)
        } else if let next, next.count >= Int(DL_RECUR_SIDE_ROWS) {
          side = next.makeProduct(0, 1 - half)
          hasSide = true
          isNextBegun = true
        }
      } else if first > 0 {
        var p = makeProduct(first, half)
        take(&p, pool)
      }
      if hasSide { setQuota(&side, steps: last - first) }
      let from = times(first, last).lowerBound
      withUnsafeMutablePointer(to: &side) {
        for step in first..<last { run(step, from, hasSide ? $0 : nil, pool) }
      }
      if hasSide {
        kernel.steps.product(&side)
        half = 1 - half
      }
      first = last
    }
    finish()
    return isNextBegun
  }

  /// States before the first step.
  private func start() {
    let layout = kernel.layout
    for b in rows {
      let i = b - rows.lowerBound
      let h = states + i * hidden
      let c = states + 2 * layout.state + i * hidden
      if let from = o.initialH {
        h.update(from: from.assumingMemoryBound(to: Float.self) + place(b), count: hidden)
      } else {
        h.update(repeating: 0, count: hidden)
      }
      if let from = o.initialC {
        c.update(from: from.assumingMemoryBound(to: Float.self) + place(b), count: hidden)
      } else {
        c.update(repeating: 0, count: hidden)
      }
      table[i] = dl_recur_row(x: nil, h: h, to: nil, c: c, last: nil, gates: nil)
    }
  }

  /// States after the last step. A sequence of no steps has none; ONNX Runtime gives 0.
  private func finish() {
    for b in rows {
      let row = table[b - rows.lowerBound]
      let isEmpty = length(b) == 0
      if let to = o.lastH?.assumingMemoryBound(to: Float.self), let h = row.h {
        if isEmpty {
          (to + place(b)).update(repeating: 0, count: hidden)
        } else {
          (to + place(b)).update(from: h, count: hidden)
        }
      }
      if let to = o.lastC?.assumingMemoryBound(to: Float.self), let c = row.c {
        if isEmpty {
          (to + place(b)).update(repeating: 0, count: hidden)
        } else {
          (to + place(b)).update(from: c, count: hidden)
        }
      }
    }
  }

  /// The product for the steps from `first` on, of one row's inputs or of the rows that lie evenly.
  private func makeProduct(_ first: Int, _ half: Int) -> dl_recur_product {
    let times = times(first, min(first + chunk, count))
    let most = Int(DL_RECUR_SIDE_ROWS)
    var p = dl_recur_product()
    p.w = w
    p.bias = bias
    p.to = product + half * kernel.layout.productRows * kernel.width
    p.partial = partial
    p.columns = layer.cell.gates * hidden
    p.depth = layer.input
    p.distance = kernel.width
    p.rows = times.count
    p.x_distance = layer.input * (layer.isBatchFirst ? 1 : layer.batch)
    var from = times.lowerBound
    if kernel.isBeside, count >= most {
      // A tile beside a step has all its rows: the first ones may be done already.
      from = min(from, count - most)
      p.rows = most
      p.skip = times.lowerBound - from
    }
    let origin = layer.isBatchFirst ? rows.lowerBound * layer.steps : rows.lowerBound
    p.x = x + origin * layer.input + from * p.x_distance
    return p
  }

  /// All of the product `p`, made for the first of the rows, and of the other rows.
  private func take(_ p: inout dl_recur_product, _ pool: ThreadPool) {
    let n = rows.count
    if n == 1 {
      split(&p, pool)
      return
    }
    let times = p.rows
    if !layer.isBatchFirst && n == layer.batch {
      p.rows = times * n
      p.x_distance = layer.input
      split(&p, pool)
      return
    }
    let between = layer.isBatchFirst ? layer.steps * layer.input : layer.input
    let (outer, inner) = times >= n ? (n, times) : (times, n)
    let along = (x: p.x_distance, to: n * kernel.width)
    let across = (x: between, to: kernel.width)
    let (major, minor) = times >= n ? (across, along) : (along, across)
    p.rows = inner
    p.x_distance = minor.x
    p.distance = minor.to
    for i in 0..<outer {
      var q = p
      q.x = p.x.map { $0 + i * major.x }
      q.to = p.to.map { $0 + i * major.to }
      split(&q, pool)
    }
  }

  /// The product, its columns over the threads where that is worth it.
  private func split(_ p: inout dl_recur_product, _ pool: ThreadPool) {
    let panels = (p.columns + 31) / 32
    let work = Double(p.rows) * Double(p.columns) * Double(p.depth)
    let pieces = pool.threads > 1 && work >= 500_000 ? min(panels, pool.threads * 2) : 1
    if pieces == 1 {
      kernel.steps.product(&p)
      return
    }
    let whole = p
    pool.run(pieces) { i in
      let (a, b) = (i * panels / pieces, (i + 1) * panels / pieces)
      var q = whole
      q.w = whole.w.map { $0 + a * 32 * whole.depth }
      q.bias = whole.bias.map { $0 + a * 32 }
      q.to = whole.to.map { $0 + a * 32 }
      q.columns = min(b * 32, whole.columns) - a * 32
      kernel.steps.product(&q)
    }
  }

  /// Spreads what is to be done beside `steps` steps evenly over their panels.
  private func setQuota(_ p: inout dl_recur_product, steps: Int) {
    let panels = kernel.first.panels(hidden) + (kernel.second?.panels(hidden) ?? 0)
    let tiles = (p.columns + 31) / 32
    let visits = max(1, steps * panels / tiles)
    p.quota = (p.depth + visits - 1) / visits
  }

  /// One step of all rows whose sequences are not over. `from`: the first time of the chunk.
  private func run(
    _ step: Int, _ from: Int, _ side: UnsafeMutablePointer<dl_recur_product>?, _ pool: ThreadPool
  ) {
    let n = rows.count
    let layout = kernel.layout
    let active = table + n
    let second = table + 2 * n
    let gates = product + half * layout.productRows * kernel.width
    let y = o.y?.assumingMemoryBound(to: Float.self)
    var m = 0
    for b in rows {
      let length = length(b)
      guard step < length else { continue }
      let i = b - rows.lowerBound
      let t = isReverse ? length - 1 - step : step
      let to =
        y.map { $0 + place(b, at: t) } ?? states + ((step + 1) & 1) * layout.state + i * hidden
      let row = dl_recur_row(
        x: gates + ((t - from) * n + i) * kernel.width, h: table[i].h, to: to, c: table[i].c,
        last: nil, gates: nil)
      active[m] = row
      if kernel.steps.second != nil {
        // The reset gate's product goes where no state is, the update gate to the cell's place.
        let reset = states + 3 * layout.state + i * hidden
        active[m].to = reset
        second[m] = dl_recur_row(x: row.x, h: reset, to: to, c: row.c, last: row.h, gates: nil)
      }
      table[i].h = UnsafePointer(to)
      m += 1
    }
    guard m > 0 else { return }
    let backward = Int32(step & 1)
    sum(kernel.steps.first, kernel.first, r, m, active, backward, side, pool)
    if let function = kernel.steps.second, let form = kernel.second {
      sum(function, form, r + kernel.first.count(hidden), m, second, backward, side, pool)
    }
  }

  /// One list of panels of a step.
  private func sum(
    _ function: RecurrentSteps.Step, _ form: RecurrentWeights.Form, _ r: UnsafePointer<Float>,
    _ m: Int, _ rows: UnsafeMutablePointer<dl_recur_row>, _ backward: Int32,
    _ side: UnsafeMutablePointer<dl_recur_product>?, _ pool: ThreadPool
  ) {
    let panels = form.panels(hidden)
    if kernel.splitsUnits, pool.threads > 1, panels > 1 {
      let pieces = min(panels, pool.threads)
      let cell = cell
      pool.run(pieces) { i in
        var cell = cell
        function(
          &cell, r, i * panels / pieces, (i + 1) * panels / pieces, m, rows, backward, nil)
      }
    } else {
      var cell = cell
      function(&cell, r, 0, panels, m, rows, backward, side)
    }
  }
}
