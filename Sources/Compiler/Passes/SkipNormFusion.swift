import Graphs
import Operators
import Tensors

enum SkipNormFusion: Pass {
  static let name = "fuse-skip-norm"
  static let level = OptimizationLevel.all
  static let stage = PassStage.fusing
  static let about = PassText(
    looksFor: "a LayerNormalization or RMSNormalization along the last axis of a sum of two values "
      + "of one shape",
    makes: "a SkipLayerNormalization or SkipSimplifiedLayerNormalization, which puts out the sum "
      + "as well where it has other uses",
    why: "the same sum, normalised row by row while the row is in cache")

  static func run(_ g: GraphEditor, _ options: PassOptions) throws(EngineError) {
    for i in g.nodes where g.isLive(i) {
      let epsilon: Float
      let axis: Int
      switch g.node(i).op {
      case let op as LayerNormalization: (epsilon, axis) = (op.epsilon, op.axis)
      case let op as RMSNormalization: (epsilon, axis) = (op.epsilon, op.axis)
      default: continue
      }
      guard let sum = g.input(i, 0), let (add, _) = g.made(sum, by: Add.self),
        let a = g.input(add, 0), let b = g.input(add, 1), let y = g.output(i), epsilon >= 0,
        g.node(i).outputs.dropFirst().allSatisfy({ $0 == nil })
      else { continue }
      // A gain that is made of the sum could not be there before the sum is put out.
      guard !g.isMade(g.node(i).inputs.dropFirst().compactMap { $0 }, of: [sum]) else { continue }
      guard let dims = g.dims(sum), dims.count == 2 || dims.count == 3, g.dims(a) == dims,
        g.dims(b) == dims, axis == -1 || axis == dims.count - 1, g.dtype(sum) == .float32,
        let gain = g.input(i, 1), g.dims(gain) == [dims[dims.count - 1]],
        g.input(i, 2).map({ g.dims($0) == [dims[dims.count - 1]] }) ?? true
      else {
        g.miss(i, "\(name): the two values are not known to have one shape of 2 or 3 axes")
        continue
      }
      let wantsSum = !g.hasOneUse(sum)
      let op: any Operator =
        g.node(i).op is LayerNormalization
        ? SkipLayerNormalization(epsilon: epsilon)
        : SkipSimplifiedLayerNormalization(epsilon: epsilon)
      var inputs: [ValueID?] = [a, b, gain]
      if let shift = g.input(i, 2) { inputs.append(shift) }
      let results = try g.add(
        op, inputs, outputs: wantsSum ? 4 : 1, at: i, name: g.node(i).name)
      for j in [i, add] { g.note(j, "\(name): part of \(type(of: op).schema.name)") }
      g.replace(y, with: results[0])
      g.remove(i)
      if wantsSum { g.replace(sum, with: results[3]) }
    }
  }
}
