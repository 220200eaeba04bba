// SPDX-License-Identifier: GPL-3.0-or-later

// Every kind of fit, failures included, a few times: what `Benchmarks/gslkit-leaks.sh` runs under
// valgrind. It has one size.

import BenchmarkSupport
import GSLKit

/// Runs a computation that must fail, and gives its error back.
func failure(_ body: () throws -> Void) -> Bool {
  do { try body() } catch { return true }
  return false
}

let rows = (0..<30).map { [1, Double($0), Double($0 * $0 % 7)] }
let response = rows.map { 2 + $0[1] - 0.3 * $0[2] + ($0[1] == 4 ? 20 : 0) }
let design = try Design(columnNames: ["one", "x", "y"], rows: rows)
let twin = try Design(columnNames: ["one", "x", "z"], rows: rows.map { [1, $0[1], 2 * $0[1]] })
for _ in 0..<5 {
  let plain = try LeastSquares.qr(design, response: response)
  _ = try LeastSquares.svd(design, response: response)
  _ = try LeastSquares.ridge(design, response: response)
  _ = try LeastSquares.robust(design, response: response)
  _ = try LeastSquares.nonlinear(response, start: plain.parameters) { b in
    rows.map { b[0] + b[1] * $0[1] + b[2] * $0[2] }
  }
  let factor = try Cholesky(Matrix(rows: 2, columns: 2, elements: [2, 1, 1, 2]))
  _ = factor.solve(factor.solveLower([1, 2]))
  _ = try factor.inverse().crossProduct().times([1, 2])
  _ = try Sobol.points(10, dimensions: 5)
  _ = try Minimizer.nelderMead(start: [1, 1], steps: [1, 1]) { $0[0] * $0[0] + $0[1] * $0[1] }
  _ = try Minimizer.bfgs(start: [1, 1]) {
    ($0[0] * $0[0] + $0[1] * $0[1], [2 * $0[0], 2 * $0[1]])
  }
  let refused = [
    failure { _ = try LeastSquares.qr(twin, response: response) },
    failure { _ = try Cholesky(Matrix(rows: 2, columns: 2, elements: [1, 2, 2, 1])) },
    failure { _ = try Minimizer.bfgs(start: [1]) { _ in (.nan, [0]) } },
    failure { _ = try Sobol(dimensions: 41) },
  ]
  require(!refused.contains(false), "what must fail did not: \(refused)")
}
print("every kind of fit ran")
