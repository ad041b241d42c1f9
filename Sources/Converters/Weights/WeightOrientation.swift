import Graphs
import Operators
import Tensors

/// Whether matrices of a file stand the other way round than the graph uses them.
///
/// PyTorch keeps a dense layer's weight as `[out, in]`, a MatMul takes `[in, out]`. Shapes tell
/// where the sizes differ. Square ones follow what the file's other matrices of the same use showed; the
/// converter notes in the metadata (`dlrun.transposed`) which weights it turned.
struct WeightOrientation {
  /// Matrices that a MatMul, or a Gemm without transB, takes as its second factor.
  private var factors: Set<String> = []
  /// What the metadata says; nil where it says nothing.
  private var turned: Set<String>?
  private let isTorch: Bool
  private var reversed = 0
  private var straight = 0

  init(_ model: ModelGraph, isTorch: Bool) {
    self.isTorch = isTorch
    let graph = model.graph
    for node in graph.nodes where node.inputs.count > 1 {
      guard let b = node.inputs[1] else { continue }
      let isTurned = node.attributes.contains { attribute in
        if attribute.name == "transB", case .int(let v) = attribute.payload {
          v != 0
        } else {
          false
        }
      }
      if node.type == "MatMul" || (node.type == "Gemm" && !isTurned) {
        factors.insert(graph.name(b))
      }
    }
    if let text = model.metadata.first(where: { $0.key == "dlrun.transposed" })?.value {
      turned = Set(text.split(separator: "\n").map { String($0) })
    }
  }

  /// Whether orientation of `name` could differ at all.
  private func isTurnable(_ name: String) -> Bool {
    turned.map { $0.contains(name) } ?? factors.contains(name)
  }

  /// Learns from a pair whose sizes differ.
  mutating func learn(_ name: String, model: Shape, file: Shape) {
    guard isTurnable(name), model.rank == 2, file.rank == 2, model[0] != model[1] else { return }
    if model == file { straight += 1 }
    if model[0] == file[1], model[1] == file[0] { reversed += 1 }
  }

  /// Whether the file's matrix has to be transposed.
  func isReversed(_ name: String, model: Shape, file: Shape) -> Bool {
    guard model.rank == 2, file.rank == 2, model[0] == file[1], model[1] == file[0] else {
      return false
    }
    if model[0] != model[1] { return true }
    guard isTurnable(name) else { return false }
    if reversed != straight { return reversed > straight }
    return isTorch || turned != nil
  }

  /// Whether the answer for a square matrix rests on a convention and not on anything seen.
  func isGuessed(_ name: String, _ shape: Shape) -> Bool {
    shape.rank == 2 && shape[0] == shape[1] && shape[0] > 1 && isTurnable(name)
      && reversed == straight
  }
}
