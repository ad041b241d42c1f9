import Graphs

/// Convolutions and poolings on images in the blocked layout.
enum Blocked {
  static let operators: [any Operator.Type] = [
    BlockedAveragePool.self,
    BlockedChannels.self,
    BlockedConv.self,
    BlockedConvTranspose.self,
    BlockedExpand.self,
    BlockedGlobalAveragePool.self,
    BlockedGroupNormalization.self,
    BlockedMaxPool.self,
    BlockedVolumeConv.self,
    FromBlocked.self,
    ToBlocked.self,
  ]
}
