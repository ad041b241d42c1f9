import Compiler
import Formats
import Graphs
import Operators
import Runtime
import Tensors

/// A model run before and after each pass on the same inputs.
struct PassTrial {
  struct Row {
    let pass: String
    var changes = 0
    /// The largest difference of any output that a run of the pass made, relative to the output's
    /// largest element; NaN where kinds, shapes or NaNs differ.
    var worst = 0.0
    /// The output that differs the most.
    var output = ""
  }

  /// Passes that changed something, in the order in which they first did.
  private(set) var rows: [Row] = []
  /// The same for the last graph against the first.
  private(set) var total = Row(pass: "all together")
  /// Outputs that no two runs give alike.
  private(set) var drawn: [String] = []

  /// The largest of all differences; NaN counts as larger than any number.
  var largest: Double {
    ([total] + rows).reduce(0) { $0.isNaN || $1.worst.isNaN ? .infinity : max($0, $1.worst) }
  }

  /// Errors: those of the reader, of the passes and of running the model; `.usage` for shapes that
  /// name no input.
  init(
    _ file: ModelGraph, _ options: PassOptions, shapes: [ShapeArgument], inputs path: String?
  ) throws(EngineError) {
    var options = options
    options.isStrict = true
    let session = try Session(file, options: Self.plain)
    let values =
      if let path {
        try InputFiles(arguments: [path]).values(for: session)
      } else {
        try SyntheticInputs(shapes: shapes).make(for: session).mapValues { Value.tensor($0) }
      }
    let first = try session.run(values: values).values
    let names = session.outputs.map(\.name)
    let makers = try RandomOutputs(file).makers
    let isDrawn = names.indices.map { $0 < makers.count && makers[$0] != nil }
    drawn = names.indices.filter { isDrawn[$0] }.map { names[$0] }

    let lookup = Registry.lookup(for: file)
    var model = try file.inliningFunctions(using: lookup)
    try model.graph.expandGradients(using: lookup)
    let start = model.graph
    for domain in ["", "com.microsoft", "ai.dlrun"] where model.opset(domain) == nil {
      model.opsets.append((domain, domain.isEmpty ? 24 : 1))
    }
    let holder = Holder(first)
    let program = model
    var optimizer = Optimizer(options)
    optimizer.observer = { (step) throws(EngineError) in
      var changed = program
      changed.graph = step.graph
      let now: [Value?]
      do throws(EngineError) {
        now = try Session(changed, options: Self.plain).run(values: values).values
      } catch {
        throw EngineError(
          error.code, "after pass \(step.pass.name) the model does not run", cause: error)
      }
      let i =
        holder.rows.firstIndex { $0.pass == step.pass.name } ?? holder.add(step.pass.name)
      holder.rows[i].changes += step.changes
      holder.rows[i].compare(holder.last, now, names, isDrawn)
      holder.last = now
    }
    _ = try optimizer.run(start, using: Registry.lookup(for: model))
    rows = holder.rows
    total.changes = rows.reduce(0) { $0 + $1.changes }
    total.compare(first, holder.last, names, isDrawn)
  }

  private static let plain = SessionOptions(threads: 1, optimization: .none)

  /// What the observer fills.
  private final class Holder {
    var rows: [Row] = []
    var last: [Value?]
    init(_ first: [Value?]) { last = first }
    func add(_ name: String) -> Int {
      rows.append(Row(pass: name))
      return rows.count - 1
    }
  }
}

extension PassTrial.Row {
  fileprivate mutating func compare(
    _ before: [Value?], _ after: [Value?], _ names: [String], _ isDrawn: [Bool]
  ) {
    for (k, name) in names.enumerated() where k < before.count && k < after.count {
      if isDrawn[k] { continue }
      var d = Difference(before[k], after[k]).relative
      if case .tensor(let a)? = before[k], case .tensor(let b)? = after[k], a.type != b.type {
        d = .nan
      }
      if !(d <= worst), !worst.isNaN {
        worst = d
        output = name
      }
    }
  }
}

extension PassTrial {
  func text(_ tolerance: Double) -> String {
    var table = Table(["", "pass", "changes", "largest difference", "of output"], right: [2, 3])
    for row in rows + [total] {
      table.add([
        row.worst <= tolerance ? "same" : "DIFFERS", row.pass, "\(row.changes)",
        row.worst == 0 ? "0" : "\(Float(row.worst))", row.output,
      ])
    }
    let note =
      drawn.isEmpty
      ? "" : "drawn at random and not compared: " + drawn.joined(separator: ", ") + "\n"
    return (rows.isEmpty ? "no pass changed anything\n" : table.text) + note
  }

  var json: JSONValue {
    .array(
      (rows + [total]).map { row in
        [
          "pass": .string(row.pass), "changes": .int(Int64(row.changes)),
          "relative": row.worst.isFinite ? .double(row.worst) : .string("\(row.worst)"),
          "output": .string(row.output),
        ]
      })
  }
}
