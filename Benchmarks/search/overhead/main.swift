// SPDX-License-Identifier: GPL-3.0-or-later

// The search's own time a suggestion: what `Benchmarks/search/overhead.sh` builds and runs, with the
// made-up space of the tests.

import Foundation
import Randomness
import Search

/// CPU time of this process in seconds.
func processorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

let trade = try Trade(sizes: 32)
precondition(trade.space.count > 19_000, "the space is large")
print("\(trade.space.count) points, batches of 8")
for budget in [100, 200] {
  var spent = 0.0
  var shares: [Double] = []
  for seed in UInt64(1)...5 {
    var model = ModelStrategy(space: trade.space, problem: trade.problem, seed: Seed(seed))
    let study = Study(problem: trade.problem, budget: budget, batch: 8)
    let began = processorSeconds()
    let result = study.run(&model) { $0.map(trade.values) }
    spent += processorSeconds() - began
    shares.append(trade.share(result.observations))
  }
  let each = spent / Double(5 * budget) * 1e3
  print(
    each < 1 ? "met   " : "missed",
    String(format: "%d evaluations: %.3f ms of CPU a suggestion, target 1 ms;", budget, each),
    "least share of the hypervolume \(shares.min() ?? 0)"
  )
}
