// SPDX-License-Identifier: GPL-3.0-or-later

// The search's own time a suggestion: what `Benchmarks/search/overhead.sh` builds and runs. The
// made-up space beside this file is the tests' own, by a symlink. `--smoke` takes a small space.

import BenchmarkSupport
import Foundation
import Randomness
import Search

/// CPU time of this process in seconds.
func processorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

let trade = try Trade(sizes: isSmoke ? 6 : 32)
let least = isSmoke ? 500 : 19_000
require(trade.space.count > least, "a space of only \(trade.space.count) points")
print("\(trade.space.count) points, batches of 8")
let seeds: ClosedRange<UInt64> = isSmoke ? 1...1 : 1...5
for budget in isSmoke ? [40] : [100, 200] {
  var spent = 0.0
  var shares: [Double] = []
  for seed in seeds {
    var model = ModelStrategy(space: trade.space, problem: trade.problem, seed: Seed(seed))
    let study = Study(problem: trade.problem, budget: budget, batch: 8)
    let began = processorSeconds()
    let result = study.run(&model) { $0.map(trade.values) }
    spent += processorSeconds() - began
    shares.append(trade.share(result.observations))
  }
  let worst = shares.min() ?? 0
  // A share is one at most, but for rounding.
  require(worst > 0.8 && worst < 1.000_001, "\(budget) evaluations reach a share of \(worst)")
  let each = spent / Double(seeds.count * budget) * 1e3
  report(
    "\(budget) evaluations, least share of the hypervolume \(worst)",
    String(format: "%.3f ms of CPU a suggestion", each),
    "1 ms",
    each < 1
  )
}
