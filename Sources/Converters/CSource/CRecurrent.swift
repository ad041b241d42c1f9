import Graphs
import Operators
import Tensors

/// LSTM, GRU and RNN with sequences of one length, the sequence's axis first.
enum CRecurrent {
  static let operators: [String: COperators.Entry] = [
    "LSTM": .init { (b) throws(EngineError) in
      guard let op = b.op as? LSTM else { return }
      guard !op.couplesForget else { throw b.refuse("coupled gates") }
      try layer(&b, op.options, gates: 4, standard: ["Sigmoid", "Tanh", "Tanh"], resets: false)
    },
    "GRU": .init { (b) throws(EngineError) in
      guard let op = b.op as? GRU else { return }
      try layer(
        &b, op.options, gates: 3, standard: ["Sigmoid", "Tanh"], resets: op.linearBeforeReset)
    },
    "RNN": .init { (b) throws(EngineError) in
      guard let op = b.op as? RNN else { return }
      try layer(&b, op.options, gates: 1, standard: ["Tanh"], resets: false)
    },
  ]

  /// A function of a gate.
  private static func function(_ name: String, _ x: String) -> String? {
    switch name.lowercased() {
    case "sigmoid": "1.0f / (1.0f + expf(-(\(x))))"
    case "tanh": "tanhf(\(x))"
    case "relu": "fmaxf(0.0f, \(x))"
    default: nil
    }
  }

  private static func layer(
    _ b: inout CBody, _ options: RecurrentOptions, gates: Int, standard: [String], resets: Bool
  ) throws(EngineError) {
    let (x, w, r) = (try b.input(0).shape, try b.input(1).shape, try b.input(2).shape)
    guard try b.input(0).dtype == .float32 else { throw b.refuse("float32 only") }
    guard !options.isBatchFirst else { throw b.refuse("layout 1") }
    guard options.clip == nil else { throw b.refuse("clip") }
    guard !b.has(4) else { throw b.refuse("lengths of sequences") }
    let directions = w[0]
    var names = options.activations.isEmpty ? standard : options.activations
    if names.count == standard.count, directions == 2 { names += names }
    guard names.count == standard.count * directions else { throw b.refuse("activations") }
    let (steps, batch, size, hidden) = (x[0], x[1], x[2], r[2])
    let isLSTM = gates == 4
    // States of one direction and image, the new one beside the old.
    let more = isLSTM ? ", c[\(hidden)]" : gates == 3 && !resets ? ", reset[\(hidden)]" : ""
    b.line("float h[\(hidden)], next[\(hidden)]\(more);")
    for d in 0..<directions {
      let mine = Array(names[(d * standard.count)..<((d + 1) * standard.count)])
      let isReverse = options.direction == .reverse || d == 1
      b.loop("n", batch)
      let state = "[(\(d) * \(batch) + n) * \(hidden) + j]"
      b.loop("j", hidden)
      b.line("h[j] = \(b.has(5) ? b.x(5) + state : "0.0f");")
      if isLSTM { b.line("c[j] = \(b.has(6) ? b.x(6) + state : "0.0f");") }
      b.close()
      b.loop("t", steps)
      b.line("const int step = \(isReverse ? "\(steps - 1) - t" : "t");")
      b.line("const float *in = \(b.x(0)) + (step * \(batch) + n) * \(size);")
      if gates == 3, !resets {
        try resetState(&b, d, size: size, hidden: hidden, mine[0])
      }
      b.loop("j", hidden)
      try cell(&b, d, gates: gates, size: size, hidden: hidden, mine, resets: resets)
      b.close()
      b.loop("j", hidden)
      b.line("h[j] = next[j];")
      if b.wants(0) {
        let target = "((step * \(directions) + \(d)) * \(batch) + n) * \(hidden) + j"
        b.line("\(b.y(0))[\(target)] = h[j];")
      }
      b.close(2)
      if b.wants(1) || b.wants(2) {
        b.loop("j", hidden)
        if b.wants(1) { b.line("\(b.y(1))\(state) = h[j];") }
        if b.wants(2) { b.line("\(b.y(2))\(state) = c[j];") }
        b.close()
      }
      b.close()
    }
  }

  /// Writes `reset`, the state as far as the reset gate of a GRU lets it through.
  private static func resetState(
    _ b: inout CBody, _ d: Int, size: Int, hidden: Int, _ name: String
  ) throws(EngineError) {
    b.loop("j", hidden)
    sum(&b, d, Sum(gate: 1, name: "r"), gates: 3, size: size, hidden: hidden)
    guard let text = function(name, "r") else { throw b.refuse("activation \(name)") }
    b.line("reset[j] = (\(text)) * h[j];")
    b.close()
  }

  /// What a gate adds up.
  private struct Sum {
    let gate: Int
    let name: String
    /// What holds the part of the state, where that is not added at once.
    var apart: String?
    /// The state that is multiplied.
    var state = "h"
  }

  /// Declares a gate's sum for unit `j`: the input's part, the state's and both biases.
  private static func sum(
    _ b: inout CBody, _ d: Int, _ s: Sum, gates: Int, size: Int, hidden: Int
  ) {
    let rows = gates * hidden
    let row = "\(d * rows + s.gate * hidden) + j"
    let biases = "\(d * 2 * rows + s.gate * hidden) + j"
    let recurrent = "\(d * 2 * rows + rows + s.gate * hidden) + j"
    b.line("float \(s.name) = \(b.has(3) ? "\(b.x(3))[\(biases)]" : "0.0f");")
    if let apart = s.apart {
      b.line("float \(apart) = \(b.has(3) ? "\(b.x(3))[\(recurrent)]" : "0.0f");")
    } else if b.has(3) {
      b.line("\(s.name) += \(b.x(3))[\(recurrent)];")
    }
    b.loop("k", size)
    b.line("\(s.name) += in[k] * \(b.x(1))[(\(row)) * \(size) + k];")
    b.close()
    b.loop("k", hidden)
    let target = s.apart ?? s.name
    b.line("\(target) += \(s.state)[k] * \(b.x(2))[(\(row)) * \(hidden) + k];")
    b.close()
  }

  /// Writes `next[j]`, and `c[j]` of an LSTM.
  private static func cell(
    _ b: inout CBody, _ d: Int, gates: Int, size: Int, hidden: Int, _ names: [String],
    resets: Bool
  ) throws(EngineError) {
    func sums(_ gate: Int, _ name: String, apart: String? = nil, state: String = "h") {
      let one = Sum(gate: gate, name: name, apart: apart, state: state)
      sum(&b, d, one, gates: gates, size: size, hidden: hidden)
    }
    func applied(_ k: Int, _ x: String) throws(EngineError) -> String {
      guard let text = function(names[k], x) else { throw b.refuse("activation \(names[k])") }
      return text
    }
    switch gates {
    case 1:
      sums(0, "a")
      b.line("next[j] = \(try applied(0, "a"));")
    case 3:
      sums(0, "z")
      b.line("z = \(try applied(0, "z"));")
      if resets {
        sums(1, "r")
        b.line("r = \(try applied(0, "r"));")
        sums(2, "n", apart: "n_h")
        b.line("n_h = n + r * n_h;")
        b.line("next[j] = (1.0f - z) * (\(try applied(1, "n_h"))) + z * h[j];")
      } else {
        sums(2, "n", state: "reset")
        b.line("next[j] = (1.0f - z) * (\(try applied(1, "n"))) + z * h[j];")
      }
    default:
      sums(0, "i")
      sums(1, "o")
      sums(2, "f")
      sums(3, "g")
      func peephole(_ part: Int, _ state: String) -> String {
        b.has(7) ? " + \(b.x(7))[\(d * 3 * hidden + part * hidden) + j] * \(state)" : ""
      }
      b.line("i = \(try applied(0, "i" + peephole(0, "c[j]")));")
      b.line("f = \(try applied(0, "f" + peephole(2, "c[j]")));")
      b.line("c[j] = f * c[j] + i * (\(try applied(1, "g")));")
      b.line("o = \(try applied(0, "o" + peephole(1, "c[j]")));")
      b.line("next[j] = o * (\(try applied(2, "c[j]")));")
    }
  }
}
