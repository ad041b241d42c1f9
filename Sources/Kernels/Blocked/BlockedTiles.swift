import CKernels

extension BlockedConvPlan {
  /// The most columns of a tile of `blocks` blocks: what the registers hold.
  static func columns(
    _ blocks: Int, _ rows: Int, _ isa: InstructionSet, isNear: Bool
  ) -> Int {
    switch (isa, isNear) {
    case (.avx512, true): rows == 2 && blocks == 2 ? 7 : blocks == 3 ? 9 : 14
    case (.avx2, true): blocks == 1 ? 12 : blocks == 2 ? 6 : 4
    case (.avx512, false): 6
    default: 4
    }
  }

  /// Uses tiles whose last block is half as wide, where it has no more channels.
  static func halve(
    _ c: inout dl_blocked_conv, _ group: BlockedFilter.Group, _ isa: InstructionSet, isNear: Bool
  ) {
    let isHalf = group.isHalf && isNear && isa == .avx512 && c.tile_rows == 1 && c.tile > 1
    c.is_half = isHalf ? 1 : 0
  }
}
