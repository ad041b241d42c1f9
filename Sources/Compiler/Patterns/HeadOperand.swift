import Graphs
import Operators
import Tensors

/// One of the three operands of attention as heads within a tensor.
struct HeadOperand {
  /// `[N, S, W]`, `[S, N, W]`, or `[N, H, S, E]`.
  let source: ValueID
  let rank: Int
  /// Whether the sequence stands before the batch; nil where both readings are right.
  let isSequenceFirst: Bool?
  let batch: Dim
  let length: Dim
  let heads: Int
  /// How many neighbouring heads of the operand are one head of the source.
  var repeats: Int
  let places: HeadPlaces
  let factor: Double

  /// Whether the source holds these heads one after the other and nothing else.
  let isWhole: Bool

  /// Reads a view `[N, H, S, E]` or `[N * H, S, E]`, the last two axes swapped where
  /// `isTransposed`. Nil where it is none.
  init?(_ view: StridedView, isTransposed: Bool) {
    var axes = view.axes
    guard axes.count == 3 || axes.count == 4 else { return nil }
    if isTransposed { axes.swapAt(axes.count - 1, axes.count - 2) }
    let rank = view.sourceDims.count
    guard rank == 3 || rank == 4 else { return nil }
    self.rank = rank
    let inHead = rank - 1
    if axes.count == 3 {
      // Batches and heads in one axis: the batches are those along the source's own axis.
      let cut = axes[0].firstIndex { $0.axis == (rank == 3 ? 2 : 1) || $0.axis < 0 }
      let k = cut ?? axes[0].count
      axes = [Array(axes[0][..<k]), Array(axes[0][k...]), axes[1], axes[2]]
    }
    // A head's elements lie next to each other.
    guard axes[3].count == 1, let last = axes[3].first, last.axis == inHead, last.stride == 1,
      let size = last.size.known
    else { return nil }

    func isAll(_ axis: [StridedView.Atom], _ k: Int) -> Bool {
      guard view.offsets[k] == 0 else { return false }
      if axis.isEmpty { return view.sourceDims[k] == 1 }
      return axis == [.init(axis: k, size: view.sourceDims[k], stride: 1)]
    }
    let dims = view.sourceDims
    if rank == 3 {
      let plain = isAll(axes[0], 0) && isAll(axes[2], 1)
      let turned = isAll(axes[0], 1) && isAll(axes[2], 0)
      guard plain || turned else { return nil }
      isSequenceFirst = plain && turned ? nil : turned
      (batch, length) = plain ? (dims[0], dims[1]) : (dims[1], dims[0])
    } else {
      guard isAll(axes[0], 0), isAll(axes[2], 2), view.offsets[1] == 0, view.offsets[3] == 0,
        last.size == dims[3]
      else { return nil }
      isSequenceFirst = nil
      (batch, length) = (dims[0], dims[2])
    }

    var list = axes[1]
    var repeats = 1
    if let r = list.last, r.axis < 0 {
      guard let n = r.size.known else { return nil }
      repeats = n
      list.removeLast()
    }
    guard list.count <= 1 else { return nil }
    var heads = 1
    var stride = size
    if let h = list.first {
      guard h.axis == (rank == 3 ? 2 : 1), let n = h.size.known else { return nil }
      (heads, stride) = (n, h.stride)
      if rank == 4, dims[1] != h.size { return nil }
    } else if rank == 4, dims[1] != 1 {
      return nil
    }
    self.heads = heads
    self.repeats = repeats
    source = view.source
    factor = view.factor
    places = HeadPlaces(offset: rank == 3 ? view.offsets[2] : 0, stride: stride, size: size)
    let width = dims[rank - 1].known
    isWhole =
      rank == 4 || (places.offset == 0 && (heads == 1 || stride == size) && width == heads * size)
  }

  /// All readings of a value, of farther sources first.
  static func all(_ g: GraphEditor, _ v: ValueID, isTransposed: Bool = false) -> [HeadOperand] {
    StridedView.all(g, v).compactMap { HeadOperand($0, isTransposed: isTransposed) }
  }
}
