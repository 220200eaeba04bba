// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import GSLKit
import Randomness
import TestSupport
import Testing

@testable import CostModels

@Suite("The kernel and its evidence")
struct KernelTests {
  private static func kernel(_ chance: inout Randomness.Stream, _ dimensions: Int) -> ArdKernel {
    ArdKernel(
      logLengths: (0..<dimensions).map { _ in 2 * chance.uniform() - 0.5 },
      logSignal: chance.uniform() - 0.5,
      logNoise: -1 - 2 * chance.uniform()
    )
  }

  @Test("A correlation is the textbook's, one at no distance, and falls with distance")
  func correlation() {
    #expect(ArdKernel.correlation(squared: 0) == 1)
    var last = 1.0
    for step in 1...200 {
      let distance = Double(step) / 20
      let found = ArdKernel.correlation(squared: distance * distance)
      let textbook = (1 + sqrt(5) * distance + 5 * pow(distance, 2) / 3) * exp(-sqrt(5) * distance)
      #expect(found.isNear(textbook, 1e-14))
      #expect(found < last && found > 0)
      last = found
    }
  }

  @Test("The slope is the derivative of the correlation by the logarithm of a length")
  func slope() {
    for step in 1...60 {
      let (squared, shift) = (Double(step * step) / 100, 1e-5)
      // A length that grows by a factor makes the squared distance fall by its square.
      let above = ArdKernel.correlation(squared: squared * exp(-2 * shift))
      let below = ArdKernel.correlation(squared: squared * exp(2 * shift))
      let slope = ArdKernel.slope(squared: squared) * squared
      #expect(slope.isNear((above - below) / (2 * shift), 1e-8), "at \(squared)")
    }
  }

  @Test("Scaled points have the distances of the lengths", arguments: Property.seeds(20))
  func scaled(seed: UInt64) {
    var chance = Seed(seed).stream("scaled")
    let kernel = Self.kernel(&chance, 4)
    let points = Naive.points(2, 4, &chance)
    let scaled = kernel.scaled(points)
    let squared = squaredDistance(scaled[0], scaled[1])
    let lengths = kernel.logLengths.map { exp($0) }
    let matern = Naive.matern(points[0], points[1], lengths: lengths)
    #expect(ArdKernel.correlation(squared: squared).isNear(matern, 1e-12))
    #expect(squaredDistance(scaled[1], scaled[0]) == squared)
    #expect(squaredDistance(scaled[0], scaled[0]) == 0)
    #expect(
      dot(scaled[0], scaled[1]).isNear(zip(scaled[0], scaled[1]).reduce(0) { $0 + $1.0 * $1.1 })
    )
  }

  @Test("Parameters in a list are the same kernel, and dimensions can be left out")
  func parameters() {
    var chance = Seed(3).stream("parameters")
    let kernel = Self.kernel(&chance, 5)
    #expect(ArdKernel(parameters: kernel.parameters) == kernel)
    #expect(kernel.parameters.count == 7)
    let kept = kernel.keeping([4, 1])
    #expect(kept.logLengths == [kernel.logLengths[4], kernel.logLengths[1]])
    #expect(kept.logSignal == kernel.logSignal && kept.logNoise == kernel.logNoise)
    #expect(kernel.signalVariance.isNear(exp(kernel.logSignal) * exp(kernel.logSignal)))
    var quiet = kernel
    quiet.logNoise = -100
    #expect(quiet.noiseVariance.isNear(1e-6 * quiet.signalVariance, 1e-12))
    #expect(quiet.noiseVariance > 0)
  }

  @Test("Dimensions with lengths beyond fifty deviations do not matter, but one always does")
  func relevant() {
    func kernel(_ lengths: [Double]) -> ArdKernel {
      ArdKernel(logLengths: lengths.map { log($0) }, logSignal: 0, logNoise: 0)
    }
    #expect(kernel([1, 51, 49, 1e6]).relevant == [0, 2])
    #expect(kernel([51, 52, 1e6]).relevant == [0])
    #expect(kernel([60]).relevant == [0])
    #expect(kernel([1, 2, 3]).relevant == [0, 1, 2])
  }

  @Test("The evidence is that of a dense matrix by elimination", arguments: Property.seeds(10))
  func evidence(seed: UInt64) {
    var chance = Seed(seed).stream("evidence")
    let (points, kernel) = (Naive.points(12, 3, &chance), Self.kernel(&chance, 3))
    let targets = points.map { _ in chance.normal() }
    var evidence = MarginalLikelihood(points: points, targets: targets)
    evidence.hasPriors = false
    let signal = kernel.signalVariance
    let lengths = kernel.logLengths.map { exp($0) }
    let matrix = Naive.kernel(points, lengths: lengths, diagonal: kernel.noiseVariance / signal)
      .map { $0.map { $0 * signal } }
    let fit = dot(targets, Naive.solve(matrix, targets))
    let whole = fit + Naive.logDeterminant(matrix) + 12 * log(2 * Double.pi)
    #expect(evidence.evaluate(kernel.parameters).value.isNear(whole / 2, 1e-8), "\(seed)")
  }

  @Test("The gradient of evidence and priors is that of differences", arguments: Property.seeds(10))
  func gradient(seed: UInt64) {
    var chance = Seed(seed).stream("gradient")
    let points = Naive.points(10, 3, &chance)
    let parameters = Self.kernel(&chance, 3).parameters
    var evidence = MarginalLikelihood(points: points, targets: points.map { _ in chance.normal() })
    for hasPriors in [true, false] {
      evidence.hasPriors = hasPriors
      let gradient = evidence.evaluate(parameters).gradient
      #expect(gradient.count == parameters.count)
      for index in parameters.indices {
        var (above, below) = (parameters, parameters)
        above[index] += 1e-5
        below[index] -= 1e-5
        let slope = (evidence.evaluate(above).value - evidence.evaluate(below).value) / 2e-5
        #expect(gradient[index].isNear(slope, 1e-5), "S2TUNE_SEED=\(seed), parameter \(index)")
      }
    }
  }

  @Test("The priors pull lengths to about three deviations and are least there")
  func priors() {
    let evidence = MarginalLikelihood(points: [[0.0], [1.0]], targets: [0, 0])
    var plain = evidence
    plain.hasPriors = false
    func prior(_ parameters: [Double]) -> Double {
      evidence.evaluate(parameters).value - plain.evaluate(parameters).value
    }
    #expect(prior([1.1, 0, -2.5]).isNear(0, 1e-12))
    #expect(prior([1.1 + 1.4, 0, -2.5]).isNear(0.5))
    #expect(prior([1.1, 1, -2.5]).isNear(0.5) && prior([1.1, 0, -1]).isNear(0.5))
  }

  @Test("The search finds more evidence than its starts, and the length that made the data")
  func search() throws {
    var chance = Seed(5).stream("search")
    let points = Naive.points(60, 2, &chance)
    // The second dimension says nothing.
    let targets = points.map { sin(2 * $0[0]) + 0.05 * chance.normal() }
    let start = ArdKernel(logLengths: [1.1, 1.1], logSignal: 0, logNoise: -2)
    let evidence = MarginalLikelihood(points: points, targets: targets)
    let found = try evidence.maximize(starts: [start], iterationLimit: 30)
    let (before, after) = (evidence.evaluate(start.parameters), evidence.evaluate(found.parameters))
    #expect(after.value < before.value - 10)
    #expect(found.logLengths[1] > found.logLengths[0] + 1)
    #expect((-4...(-2)).contains(found.logNoise), "\(found.logNoise)")
    let trial = ProcessTrial(points: points, targets: targets)
    var plain = evidence
    plain.hasPriors = false
    #expect(try trial.fit(iterationLimit: 30) >= -plain.evaluate(start.parameters).value)
  }
}
