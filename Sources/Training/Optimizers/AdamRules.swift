import Glibc
import Kernels

extension KerasRules {
  /// `w = w - rate sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon)`. Kingma and Ba 2014,
  /// with epsilon outside the correction of `v`.
  public func adam(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, amsgrad: Bool = false, weightDecay: Double = 0
  ) -> OptimizerRule {
    OptimizerRule(
      "keras.adam", learningRate: learningRate, weightDecay: weightDecay, decoupled: true,
      settings: adamSettings(beta1, beta2, epsilon, amsgrad),
      .elements(amsgrad ? .amsgrad : .adam) { step, a in
        let t = Double(step.number)
        setMoments(&a, beta1, beta2)
        a[6] = step.learningRate * (1 - pow(beta2, t)).squareRoot() / (1 - pow(beta1, t))
        a[8] = 1
        a[9] = epsilon
      })
  }

  /// Adam with decoupled weight decay of 0.004 by default. Loshchilov and Hutter 2017.
  public func adamW(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, amsgrad: Bool = false, weightDecay: Double = 0.004
  ) -> OptimizerRule {
    adam(
      learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad,
      weightDecay: weightDecay)
  }

  /// `u = max(beta2 u, |g|); w = w - rate / (1 - beta1^t) m / (u + epsilon)`.
  public func adamax(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, weightDecay: Double = 0
  ) -> OptimizerRule {
    OptimizerRule(
      "keras.adamax", learningRate: learningRate, weightDecay: weightDecay, decoupled: true,
      settings: adamSettings(beta1, beta2, epsilon, false),
      .elements(.adamax) { step, a in
        setMoments(&a, beta1, beta2)
        a[5] = 0
        a[6] = step.learningRate / (1 - pow(beta1, Double(step.number)))
        a[7] = epsilon
      })
  }

  /// Adam with Nesterov's momentum under a schedule of its own. Dozat 2016.
  public func nadam(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, weightDecay: Double = 0
  ) -> OptimizerRule {
    nadamRule(
      "keras.nadam", learningRate, beta1, beta2, epsilon, momentumDecay: 1, weightDecay,
      decoupled: true)
  }

  /// AdamW that needs no schedule: it averages its iterates. Defazio et al. 2024.
  public func scheduleFreeAdamW(
    learningRate: Double = 0.0025, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, warmupSteps: Int = 0, weightDecay: Double = 0
  ) -> OptimizerRule {
    OptimizerRule(
      "keras.scheduleFreeAdamW", learningRate: learningRate, weightDecay: weightDecay,
      decoupled: true,
      settings: adamSettings(beta1, beta2, epsilon, false)
        + [("warmupSteps", Double(warmupSteps))], initialStates: [nil, 0],
      .elements(.scheduleFree) { step, a in
        let t = Double(step.number)
        let warm = warmupSteps > 0 ? min(t / Double(warmupSteps), 1) : 1
        a[2] = beta2
        a[3] = 1 - beta2
        a[4] = step.learningRate * warm
        a[5] = beta1
        a[6] = 1 / (1 - pow(beta2, t)).squareRoot()
        a[7] = epsilon
        a[8] = 1 / t
      })
  }
}

extension TorchRules {
  /// `w = w - rate / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + epsilon)`.
  public func adam(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, amsgrad: Bool = false, weightDecay: Double = 0
  ) -> OptimizerRule {
    adamRule(
      "torch.adam", learningRate, beta1, beta2, epsilon, amsgrad, weightDecay, decoupled: false)
  }

  /// Adam with decoupled weight decay of 0.01 by default.
  public func adamW(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, amsgrad: Bool = false, weightDecay: Double = 0.01
  ) -> OptimizerRule {
    adamRule(
      "torch.adamW", learningRate, beta1, beta2, epsilon, amsgrad, weightDecay, decoupled: true)
  }

  /// `u = max(beta2 u, |g| + epsilon); w = w - rate / (1 - beta1^t) m / u`.
  public func adamax(
    learningRate: Double = 0.002, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, weightDecay: Double = 0
  ) -> OptimizerRule {
    OptimizerRule(
      "torch.adamax", learningRate: learningRate, weightDecay: weightDecay, decoupled: false,
      settings: adamSettings(beta1, beta2, epsilon, false),
      .elements(.adamax) { step, a in
        setMoments(&a, beta1, beta2)
        a[5] = epsilon
        a[6] = step.learningRate / (1 - pow(beta1, Double(step.number)))
        a[7] = 0
      })
  }

  /// Adam with Nesterov's momentum under a schedule of its own.
  public func nadam(
    learningRate: Double = 0.002, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, momentumDecay: Double = 0.004, weightDecay: Double = 0
  ) -> OptimizerRule {
    nadamRule(
      "torch.nadam", learningRate, beta1, beta2, epsilon, momentumDecay: momentumDecay,
      weightDecay, decoupled: false)
  }

  /// Adam whose step is rectified while the variance of `v` is high. Liu et al. 2019.
  public func rAdam(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, weightDecay: Double = 0
  ) -> OptimizerRule {
    OptimizerRule(
      "torch.rAdam", learningRate: learningRate, weightDecay: weightDecay, decoupled: false,
      settings: adamSettings(beta1, beta2, epsilon, false),
      .elements(.adam) { step, a in
        let t = Double(step.number)
        setMoments(&a, beta1, beta2)
        let (first, second) = (1 - pow(beta1, t), 1 - pow(beta2, t))
        let most = 2 / (1 - beta2) - 1
        let length = most - 2 * t * pow(beta2, t) / second
        a[6] = step.learningRate / first
        // Without rectification the divisor is 1.
        a[8] = 0
        a[9] = 1
        if length > 5 {
          let rectified =
            ((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)).squareRoot()
          a[6] *= rectified * second.squareRoot()
          a[8] = 1
          a[9] = epsilon
        }
      })
  }

  private func adamRule(
    _ name: String, _ rate: Double, _ beta1: Double, _ beta2: Double, _ epsilon: Double,
    _ amsgrad: Bool, _ decay: Double, decoupled: Bool
  ) -> OptimizerRule {
    OptimizerRule(
      name, learningRate: rate, weightDecay: decay, decoupled: decoupled,
      settings: adamSettings(beta1, beta2, epsilon, amsgrad),
      .elements(amsgrad ? .amsgrad : .adam) { step, a in
        let t = Double(step.number)
        setMoments(&a, beta1, beta2)
        a[6] = step.learningRate / (1 - pow(beta1, t))
        a[8] = 1 / (1 - pow(beta2, t)).squareRoot()
        a[9] = epsilon
      })
  }
}

private func adamSettings(
  _ beta1: Double, _ beta2: Double, _ epsilon: Double, _ amsgrad: Bool
) -> [(name: String, value: Double)] {
  [("beta1", beta1), ("beta2", beta2), ("epsilon", epsilon), ("amsgrad", amsgrad ? 1 : 0)]
}

private func setMoments(_ a: inout InlineArray<12, Double>, _ beta1: Double, _ beta2: Double) {
  a[2] = beta1
  a[3] = 1 - beta1
  a[4] = beta2
  a[5] = 1 - beta2
}

private func nadamRule(
  _ name: String, _ rate: Double, _ beta1: Double, _ beta2: Double, _ epsilon: Double,
  momentumDecay: Double, _ decay: Double, decoupled: Bool
) -> OptimizerRule {
  OptimizerRule(
    name, learningRate: rate, weightDecay: decay, decoupled: decoupled,
    settings: adamSettings(beta1, beta2, epsilon, false) + [("momentumDecay", momentumDecay)],
    initialMemory: [1],
    .elements(.adam) { step, a in
      let t = Double(step.number)
      setMoments(&a, beta1, beta2)
      let now = beta1 * (1 - 0.5 * pow(0.96, t * momentumDecay))
      let next = beta1 * (1 - 0.5 * pow(0.96, (t + 1) * momentumDecay))
      step.memory[0] *= now
      a[6] = step.learningRate * next / (1 - step.memory[0] * next)
      a[7] = step.learningRate * (1 - now) / (1 - step.memory[0])
      a[8] = 1 / (1 - pow(beta2, t)).squareRoot()
      a[9] = epsilon
    })
}
