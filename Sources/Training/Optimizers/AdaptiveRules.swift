import Kernels

extension KerasRules {
  /// `v = rho v + (1 - rho) g^2; w = w - rate g / sqrt(v + epsilon)`; centred, the variance stands
  /// for `v`; with momentum the steps are accumulated.
  public func rmsprop(
    learningRate: Double = 0.001, rho: Double = 0.9, momentum: Double = 0, epsilon: Double = 1e-7,
    centered: Bool = false, weightDecay: Double = 0
  ) -> OptimizerRule {
    OptimizerRule(
      "keras.rmsprop", learningRate: learningRate, weightDecay: weightDecay, decoupled: true,
      settings: [
        ("rho", rho), ("momentum", momentum), ("epsilon", epsilon), ("centered", centered ? 1 : 0),
      ],
      .elements(.rmsprop) { step, a in
        a[2] = rho
        a[3] = 1 - rho
        a[4] = step.learningRate
        a[5] = centered ? 1 : 0
        a[6] = momentum
        a[7] = epsilon
        a[9] = 1
      })
  }

  /// `s = s + g^2; w = w - rate g / sqrt(s + epsilon)`. Duchi et al. 2011.
  public func adagrad(
    learningRate: Double = 0.001, initialAccumulator: Double = 0.1, epsilon: Double = 1e-7,
    weightDecay: Double = 0
  ) -> OptimizerRule {
    OptimizerRule(
      "keras.adagrad", learningRate: learningRate, weightDecay: weightDecay, decoupled: true,
      settings: [("initialAccumulator", initialAccumulator), ("epsilon", epsilon)],
      initialStates: [initialAccumulator],
      .elements(.adagrad) { step, a in
        a[2] = step.learningRate
        a[3] = epsilon
      })
  }

  /// `d = g sqrt(s + epsilon) / sqrt(v + epsilon); w = w - rate d`. Zeiler 2012.
  public func adadelta(
    learningRate: Double = 0.001, rho: Double = 0.95, epsilon: Double = 1e-7,
    weightDecay: Double = 0
  ) -> OptimizerRule {
    adadeltaRule("keras.adadelta", learningRate, rho, epsilon, weightDecay, decoupled: true)
  }

  /// Follow the regularised leader. McMahan et al. 2013.
  public func ftrl(
    learningRate: Double = 0.001, power: Double = -0.5, initialAccumulator: Double = 0.1,
    l1: Double = 0, l2: Double = 0, l2Shrinkage: Double = 0, beta: Double = 0,
    weightDecay: Double = 0
  ) -> OptimizerRule {
    OptimizerRule(
      "keras.ftrl", learningRate: learningRate, weightDecay: weightDecay, decoupled: true,
      settings: [
        ("power", power), ("initialAccumulator", initialAccumulator), ("l1", l1), ("l2", l2),
        ("l2Shrinkage", l2Shrinkage), ("beta", beta),
      ], initialStates: [initialAccumulator, 0],
      .elements(.ftrl) { step, a in
        a[2] = -power
        a[3] = 1 / step.learningRate
        a[4] = 2 * l2Shrinkage
        a[5] = 2 * (l2 + beta / (2 * step.learningRate))
        a[6] = l1
      })
  }
}

extension TorchRules {
  /// `v = alpha v + (1 - alpha) g^2; b = momentum b + g / (sqrt(v) + epsilon); w = w - rate b`.
  public func rmsprop(
    learningRate: Double = 0.01, alpha: Double = 0.99, momentum: Double = 0,
    epsilon: Double = 1e-8, centered: Bool = false, weightDecay: Double = 0
  ) -> OptimizerRule {
    OptimizerRule(
      "torch.rmsprop", learningRate: learningRate, weightDecay: weightDecay, decoupled: false,
      settings: [
        ("alpha", alpha), ("momentum", momentum), ("epsilon", epsilon),
        ("centered", centered ? 1 : 0),
      ],
      .elements(.rmsprop) { step, a in
        a[2] = alpha
        a[3] = 1 - alpha
        a[4] = 1
        a[5] = centered ? 1 : 0
        a[6] = momentum
        a[8] = epsilon
        a[9] = step.learningRate
      })
  }

  /// `s = s + g^2; w = w - rate / (1 + (t - 1) decay) g / (sqrt(s) + epsilon)`.
  public func adagrad(
    learningRate: Double = 0.01, rateDecay: Double = 0, initialAccumulator: Double = 0,
    epsilon: Double = 1e-10, weightDecay: Double = 0
  ) -> OptimizerRule {
    OptimizerRule(
      "torch.adagrad", learningRate: learningRate, weightDecay: weightDecay, decoupled: false,
      settings: [
        ("rateDecay", rateDecay), ("initialAccumulator", initialAccumulator), ("epsilon", epsilon),
      ], initialStates: [initialAccumulator],
      .elements(.adagrad) { step, a in
        a[2] = step.learningRate / (1 + Double(step.number - 1) * rateDecay)
        a[4] = epsilon
      })
  }

  /// As `KerasRules.adadelta`, with a rate of 1 by default.
  public func adadelta(
    learningRate: Double = 1, rho: Double = 0.9, epsilon: Double = 1e-6, weightDecay: Double = 0
  ) -> OptimizerRule {
    adadeltaRule("torch.adadelta", learningRate, rho, epsilon, weightDecay, decoupled: false)
  }
}

private func adadeltaRule(
  _ name: String, _ rate: Double, _ rho: Double, _ epsilon: Double, _ decay: Double,
  decoupled: Bool
) -> OptimizerRule {
  OptimizerRule(
    name, learningRate: rate, weightDecay: decay, decoupled: decoupled,
    settings: [("rho", rho), ("epsilon", epsilon)],
    .elements(.adadelta) { step, a in
      a[2] = rho
      a[3] = 1 - rho
      a[4] = epsilon
      a[5] = step.learningRate
    })
}
