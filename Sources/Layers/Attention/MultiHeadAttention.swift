import Training

/// Attention over several heads. Vaswani et al. 2017. See `HeadedAttention`.
///
/// ```swift
/// MultiHeadAttention(heads: 4, keySize: 32, isCausal: true)
/// ```
///
/// - `outputs`: by default as many as queries have features. - `dropout`: of probabilities.
/// - Source: Keras 3 MultiHeadAttention.
public final class MultiHeadAttention: HeadedAttention {
  public init(
    heads: Int, keySize: Int, valueSize: Int? = nil, outputs: Int? = nil, isCausal: Bool = false,
    dropout: Double = 0, useBias: Bool = true, takesMask: Bool = false
  ) {
    super.init(
      heads: heads, keyHeads: heads, keySize: keySize, valueSize: valueSize ?? keySize,
      outputs: outputs, isCausal: isCausal, dropout: dropout, useBias: useBias,
      takesMask: takesMask)
  }
}
