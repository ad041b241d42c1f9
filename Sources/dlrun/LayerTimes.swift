import Formats
import Graphs
import Kernels
import Operators
import Runtime
import Tensors

/// The time of each step of a run, over several runs, beside what the machine could do.
struct LayerTimes {
  struct Row {
    let event: Profiler.Event
    let isBlocked: Bool
    /// Nanoseconds of each run, rising.
    var samples: [UInt64] = []

    var minimum: Double { Double(samples.first ?? 0) }
    var median: Double { samples.isEmpty ? 0 : Double(samples[samples.count / 2]) }
    var flops: Double { Double(2 * (event.call?.multiplyAdds ?? 0)) }
    var bytes: Double { Double(event.call?.bytesMoved ?? 0) }
    /// Operations a nanosecond, which are 10^9 a second.
    var gigaflops: Double { median > 0 ? flops / median : 0 }
    var gigabytes: Double { median > 0 ? bytes / median : 0 }
  }

  /// In the order in which the steps first ended.
  private(set) var rows: [Row] = []
  let peak: MachinePeak
  private let runs: Int

  /// Runs the session `runs` times; `profiler` keeps what happened.
  ///
  /// Errors: those of the runs.
  init(
    _ session: Session, _ values: [String: Value], runs: Int, peak: MachinePeak,
    profiler: Profiler
  ) throws(EngineError) {
    self.peak = peak
    self.runs = runs
    let blocked = BlockedNodes(session.compiledGraph)
    var places: [String: Int] = [:]
    for run in 0..<runs {
      let before = profiler.events.count
      _ = try session.run(values: values, profiler: profiler)
      // A step that runs several times in a run, as a loop's does, counts with all of them.
      var sums: [Int: UInt64] = [:]
      for e in profiler.events.dropFirst(before) {
        let name = e.call.map { Swift.type(of: $0.op).schema.name } ?? e.operatorName
        let key = "\(e.node)\u{0}\(e.operatorName)\u{0}\(name)\u{0}\(e.output)"
        let place = places[key] ?? rows.count
        if place == rows.count {
          places[key] = place
          rows.append(Row(event: e, isBlocked: blocked.contains(e.node)))
        }
        sums[place, default: 0] += e.duration
      }
      for (place, sum) in sums { rows[place].samples.append(sum) }
      if run < runs - 1, profiler.events.count > 1_000_000 { break }
    }
    for i in rows.indices { rows[i].samples.sort() }
  }

  /// The larger of the shares of peak operations and of peak bandwidth; whether it is the first.
  private func share(_ r: Row) -> (value: Double, isCompute: Bool) {
    let compute =
      r.gigaflops * 1e9 / max(1, peak.operationsPerSecond(ofKernel: r.event.kernel))
    let memory = r.gigabytes * 1e9 / max(1, peak.bytesPerSecond)
    return compute >= memory ? (compute, true) : (memory, false)
  }

  /// The slowest first, in lines of at most `columns`.
  func text(columns: Int) -> String {
    let total = max(1, rows.reduce(0) { $0 + $1.median })
    var lines: [[String]] = []
    for r in rows.sorted(by: { $0.median > $1.median }) {
      let (value, isCompute) = share(r)
      let name = r.event.call.map { Swift.type(of: $0.op).schema.name } ?? r.event.operatorName
      let shape = r.event.call?.outputs.first.flatMap { $0 }.map { Self.sizes($0) } ?? ""
      lines.append([
        fixed(r.median / 1e6, 3), fixed(r.minimum / 1e6, 3),
        fixed(r.median / total * 100, 1) + "%", r.flops > 0 ? fixed(r.gigaflops, 1) : "",
        r.bytes > 0 ? fixed(r.gigabytes, 1) : "",
        r.bytes > 0 ? fixed(value * 100, 0) + (isCompute ? "%c" : "%m") : "", name,
        r.isBlocked ? "blocked" : "plain", r.event.kernel, shape, r.event.node,
      ])
    }
    let header = [
      "ms", "min", "share", "GF/s", "GB/s", "peak", "operator", "layout", "kernel", "output",
      "node",
    ]
    let note =
      "peak: \(fixed(peak.flopsPerSecond / 1e9, 0)) GFLOP/s, bytes "
      + "\(fixed(peak.byteOperationsPerSecond / 1e9, 0)) (c: share of it), "
      + "\(fixed(peak.bytesPerSecond / 1e9, 1)) GB/s copied (m: share of it; more in caches)\n"
    return note + Self.fitted(header, lines, columns: columns)
  }

  private static func sizes(_ type: TensorType) -> String {
    let sizes = type.shape.array.map { "\($0)" }.joined(separator: "x")
    return type.dtype == .float32 ? sizes : "\(type.dtype) \(sizes)"
  }

  /// A table whose text columns are cut until it fits, the widest first.
  private static func fitted(_ header: [String], _ lines: [[String]], columns: Int) -> String {
    var widths = header.indices.map { i in
      max(header[i].count, lines.map { $0[i].count }.max() ?? 0)
    }
    // Numbers are never cut, and nothing to less than its title needs.
    let texts = [6, 8, 9, 10]
    func excess() -> Int { widths.reduce(0, +) + 2 * (widths.count - 1) - columns }
    while excess() > 0, let widest = texts.max(by: { widths[$0] < widths[$1] }),
      widths[widest] > 8
    {
      widths[widest] -= 1
    }
    var table = Table(header, right: [0, 1, 2, 3, 4, 5])
    for line in lines {
      table.add(
        line.enumerated().map { (i, cell) in
          guard texts.contains(i), cell.count > widths[i] else { return cell }
          // The end of a node's name says more than its beginning.
          return i == 10
            ? "…" + cell.suffix(widths[i] - 1) : cell.prefix(widths[i] - 1) + "…"
        })
    }
    return table.text
  }

  var json: JSONValue {
    .array(
      rows.map { r in
        let (value, isCompute) = share(r)
        let outputs = r.event.call?.outputs ?? []
        return [
          "node": .string(r.event.node), "operator": .string(r.event.operatorName),
          "runs_as": .string(
            r.event.call.map { Swift.type(of: $0.op).schema.name } ?? r.event.operatorName),
          "kernel": .string(r.event.kernel), "layout": .string(r.isBlocked ? "blocked" : "plain"),
          "outputs": .array(outputs.map { $0.map { .string("\($0)") } ?? .null }),
          "median_ms": .double(r.median / 1e6), "min_ms": .double(r.minimum / 1e6),
          "multiply_adds": r.event.call?.multiplyAdds.map { .int(Int64($0)) } ?? .null,
          "gflops": .double(r.gigaflops), "bytes_moved": .int(Int64(r.bytes)),
          "gigabytes_per_second": .double(r.gigabytes), "share_of_peak": .double(value),
          "bound": .string(isCompute ? "compute" : "memory"),
        ]
      })
  }
}

/// Which nodes of a compiled graph make images in blocks.
private struct BlockedNodes {
  private var names: Set<String> = []

  init(_ graph: Graph) {
    var isBlocked = [Bool](repeating: false, count: graph.values.count)
    for (i, node) in graph.nodes.enumerated() {
      guard let op = node.op, let y = node.outputs.first.flatMap({ $0 }) else { continue }
      let dims = graph.values[y.index].fact.dims
      let name = type(of: op).schema.name
      let isOwn =
        type(of: op).schema.domain == "ai.dlrun"
        && (name.hasPrefix("Blocked") || name.hasPrefix("ToBlocked"))
      // Functions of each element keep the layout of what they are given.
      let keeps = node.inputs.contains { id in
        guard let id, isBlocked[id.index] else { return false }
        return graph.values[id.index].fact.dims?.count == dims?.count
      }
      guard isOwn ? dims?.count ?? 5 == 5 : keeps else { continue }
      isBlocked[y.index] = true
      names.insert(graph.nodeName(i))
    }
  }

  func contains(_ node: String) -> Bool { names.contains(node) }
}
