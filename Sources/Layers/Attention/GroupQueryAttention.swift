import Training

/// Attention in which groups of query heads share a head of keys and values. Ainslie et al. 2023.
/// See `HeadedAttention`.
///
/// - `keyHeads`: divides `queryHeads`. - Source: Keras 3 GroupQueryAttention.
public final class GroupQueryAttention: HeadedAttention {
  public init(
    headSize: Int, queryHeads: Int, keyHeads: Int, isCausal: Bool = false, dropout: Double = 0,
    useBias: Bool = true, takesMask: Bool = false
  ) {
    super.init(
      heads: queryHeads, keyHeads: keyHeads, keySize: headSize, valueSize: headSize,
      outputs: nil, isCausal: isCausal, dropout: dropout, useBias: useBias,
      takesMask: takesMask)
  }
}
