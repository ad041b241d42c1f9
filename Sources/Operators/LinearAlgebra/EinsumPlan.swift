import Graphs
import Kernels
import Tensors

/// An einsum as products of two operands each, and a last permutation.
struct EinsumPlan: Sendable {
  struct Step: Sendable {
    let kernel: ContractKernel
    /// Byte places in scratch: the result, and the kernel's own.
    let result: Int
    let scratch: Int
  }
  private(set) var steps: [Step] = []
  private(set) var scratchBytes = 0
  /// How the output is read off the last result (or the only input).
  let kept: Table
  let folded: Table
  /// Whether the last result is the output as it is.
  let isDirect: Bool
  /// How the last result, or a single operand without diagonals, becomes the output: by a copy in
  /// another order or sums over whole axes.
  private let copy: StridedCopy?
  private let sums: ReducePlan?
  private let sumsAt: Int

  /// An operand while planning: its labels, each once, with sizes and strides.
  private struct View {
    var labels: [Int] = []
    var strides: [Int: Int] = [:]

    init(_ axes: [Int], _ shape: Shape) {
      let own = shape.strides
      for (i, label) in axes.enumerated() {
        if strides[label] == nil { labels.append(label) }
        // A repeated label walks the diagonal; an axis of size 1 stays where it is.
        strides[label, default: 0] += shape[i] == 1 ? 0 : own[i]
      }
    }
    init(packed labels: [Int], _ sizes: [Int: Int]) {
      self.labels = labels
      var step = 1
      for label in labels.reversed() {
        strides[label] = step
        step *= sizes[label] ?? 1
      }
    }
    func table(_ chosen: [Int], _ sizes: [Int: Int]) -> Table {
      Table(sizes: chosen.map { sizes[$0] ?? 1 }, strides: chosen.map { strides[$0] ?? 0 })
    }
    /// Whether the elements over `order` lie side by side.
    func isPacked(_ order: [Int], _ sizes: [Int: Int]) -> Bool {
      guard order.count == labels.count else { return false }
      var step = 1
      for label in order.reversed() {
        guard let n = sizes[label], n == 1 || strides[label] == step else { return false }
        step *= n
      }
      return true
    }
  }

  init(
    _ equation: EinsumEquation, _ shapes: [Shape], dtype: DType
  ) throws(EngineError) {
    let elementSize = dtype.byteSize
    let (operands, result) = try equation.labels(ranks: shapes.map(\.rank))
    var sizes: [Int: Int] = [:]
    for (labels, shape) in zip(operands, shapes) {
      for (i, label) in labels.enumerated() where shape[i] != 1 || sizes[label] == nil {
        if let old = sizes[label], old != 1, old != shape[i] {
          throw EngineError(
            .shape, "inputs disagree on the size of an axis", expected: "\(old)",
            received: "\(shape[i])")
        }
        sizes[label] = shape[i]
      }
    }
    func count(_ labels: [Int]) throws(EngineError) -> Int {
      var dims: [Int] = []
      for label in labels { dims.append(sizes[label] ?? 1) }
      var n = 1
      for d in dims {
        let (product, overflow) = n.multipliedReportingOverflow(by: d)
        guard !overflow, product < 1 << 40 else {
          throw EngineError(.budget, "an intermediate result of the equation is too large")
        }
        n = product
      }
      return n
    }
    func rounded(_ elements: Int) -> Int { (elements * elementSize + 63) / 64 * 64 }

    var current = View(operands[0], shapes[0])
    for i in 1..<max(1, operands.count) {
      let right = View(operands[i], shapes[i])
      var needed = Set(result)
      for later in operands[(i + 1)...] { needed.formUnion(later) }
      let both = current.labels.filter { right.strides[$0] != nil }
      let batch = both.filter { needed.contains($0) }
      let depth = both.filter { !needed.contains($0) }
      let rows = current.labels.filter { right.strides[$0] == nil && needed.contains($0) }
      let columns = right.labels.filter { current.strides[$0] == nil && needed.contains($0) }
      let left = current
      func operand(_ view: View, _ own: [Int]) throws(EngineError) -> ContractOperand {
        let order = batch + own + depth
        let folded = view.labels.filter { !order.contains($0) }
        _ = try count(order)
        _ = try count(folded)
        return ContractOperand(
          batch: view.table(batch, sizes), row: view.table(own, sizes),
          depth: view.table(depth, sizes), folded: view.table(folded, sizes),
          isPacked: view.isPacked(order, sizes))
      }
      let kernel = ContractKernel(
        left: try operand(left, rows), right: try operand(right, columns))
      let order = batch + rows + columns
      let place = scratchBytes
      let own = place + rounded(try count(order))
      scratchBytes = own + rounded(kernel.scratchCount)
      steps.append(Step(kernel: kernel, result: place, scratch: own))
      current = View(packed: order, sizes)
    }
    let rest = current.labels.filter { !result.contains($0) }
    _ = try count(result)
    _ = try count(rest)
    isDirect = !steps.isEmpty && current.isPacked(result, sizes)
    var (copy, sums): (StridedCopy?, ReducePlan?)
    let labels = current.labels
    let hasDiagonal = steps.isEmpty && operands[0].count != labels.count
    if !hasDiagonal, !isDirect, labels.count <= StridedCopy.mostAxes {
      let order = result.compactMap { labels.firstIndex(of: $0) }
      let shape = labels.map { sizes[$0] ?? 1 }
      if order.count == labels.count {
        copy = StridedCopy(transposing: shape, order, elementBytes: elementSize)
      } else if labels.filter({ result.contains($0) }) == result, Fold.supports(dtype, .sum) {
        sums = ReducePlan(Shape(shape), isReduced: labels.map { !result.contains($0) })
      }
    }
    (self.copy, self.sums) = (copy, sums)
    let isPlaced = isDirect || copy != nil || sums != nil
    kept = isPlaced ? Table([]) : current.table(result, sizes)
    folded = isPlaced ? Table([]) : current.table(rest, sizes)
    sumsAt = scratchBytes
    if let sums { scratchBytes += sums.scratchBytes(dtype) }
  }

  func run(_ dtype: DType, _ m: Memory) {
    var from = UnsafeRawPointer(m.inputs[0])
    for i in 0..<steps.count {
      let step = steps[i]
      let to = isDirect && i == steps.count - 1 ? m.outputs[0] : m.scratch + step.result
      step.kernel.run(
        dtype, from, m.inputs[i + 1], into: to, scratch: m.scratch + step.scratch, pool: m.pool)
      from = UnsafeRawPointer(to)
    }
    if let copy {
      copy.run(to: m.outputs[0], from: from, pool: m.pool)
    } else if let sums {
      sums.run(
        .sum, dtype, from, into: m.outputs[0], scratch: m.scratch + sumsAt, pool: m.pool)
    } else if !isDirect {
      ContractKernel.fold(
        dtype, from, kept: kept, folded: folded, into: m.outputs[0], pool: m.pool)
    }
  }
}
