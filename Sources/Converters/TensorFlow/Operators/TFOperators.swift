/// Every operator of TensorFlow that is converted, from the lists of the families.
enum TFOperators {
  static let families: [[TFOperator]] = [
    TFConstants.operators, TFUnary.operators, TFBinary.operators, TFComparisons.operators,
    TFConvolutions.operators, TFTransposedConvolutions.operators, TFPools.operators,
    TFNormalizations.operators, TFProducts.operators, TFMatrices.operators,
    TFReductions.operators, TFShapes.operators, TFViews.operators, TFSlices.operators,
    TFJoins.operators, TFGathers.operators, TFScatters.operators, TFSearches.operators,
    TFPads.operators, TFImages.operators, TFDetections.operators, TFRandoms.operators,
    TFFakeQuants.operators, TFTensorLists.operators, TFTensorArrays.operators,
    TFTableOperators.operators, TFTexts.operators, TFStates.operators, TFFlow.operators,
    TFBranches.operators, TFLoops.operators,
  ]

  static let table: [String: TFOperator] = Dictionary(
    families.joined().map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
}
