// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Requests to the explorer, changed: heads, bodies and where one ends.
struct RequestMutation {
  private var mutator: Mutator

  /// Mutations in an order that follows from the seed.
  init(seed: UInt64) { mutator = Mutator(seed: seed) }

  private static let heads = [
    "GET / HTTP/1.1", "GET /healthz HTTP/1.1", "HEAD /api/v1/profiles HTTP/1.1",
    "GET /api/v1/openapi.json HTTP/1.1", "OPTIONS * HTTP/1.1", "DELETE /api/v1/predict HTTP/1.0",
    "GET http://127.0.0.1/../../etc/passwd HTTP/1.1",
  ]
  /// Paths that take a body, each with bodies that it answers.
  private static let questions = [
    (
      "/api/v1/predict",
      [
        #"{"workload": "ci-microvm", "host": "graviton3", "policy": ["chunk=2MiB"], "explain": true, "words": true}"#,
        #"{"workload": "container-churn", "host": "graviton4", "kernel": "6.12", "vary": "chunk=64KiB..1GiB"}"#,
        #"{"workload": "live-migration-thp", "host": "ampere-altra", "set": ["migration.link=10Gbit/s"]}"#,
        #"{"workload": "rpc-latency", "host": "graviton3", "slo": ["io.goodput>=0.95"], "confidence": 0.9, "runs": "never"}"#,
      ]
    ),
    (
      "/api/v1/question",
      [
        #"{"workload": "storage-randwrite", "host": "thunderx2", "kernel": "6.1", "vmm": "qemu", "present": "chunk=1GiB"}"#,
        #"{"workload": "ci-microvm", "host": "graviton3", "set": ["vm.memory=8GiB", "vm.block_share=0.5"], "objective": "time"}"#,
      ]
    ),
    (
      "/api/v1/read",
      [
        ##"{"name": "iperf.txt", "text": "[  5]   0.00-1.00   sec  1.09 GBytes  9.40 Gbits/sec    0   3.02 MBytes"}"##,
        #"{"name": "dump", "text": "0x0000000040000000-0x0000000040200000           2M 2   R W X AF BLK"}"#,
      ]
    ),
    (
      "/api/v1/simulate",
      [
        #"{"workload": "ci-microvm", "host": "graviton3", "policy": "chunk=2MiB", "seed": 7, "window": true}"#,
        #"{"workload": "ci-microvm", "host": "graviton3", "fast": true, "without": ["napi"]}"#,
      ]
    ),
    (
      "/api/v1/recommend",
      [#"{"workload": "ci-microvm", "host": "graviton3", "budget": 9, "pin": ["chunk=2MiB"]}"#]
    ),
    (
      "/api/v1/pareto",
      [#"{"workload": "ci-microvm", "host": "graviton3", "budget": 9, "objectives": ["time"]}"#]
    ),
  ]

  /// The bytes of the next request to a port, and whether they are all that its head announces.
  mutating func next(port: UInt16) -> (bytes: [UInt8], isWhole: Bool) {
    let host = "host: 127.0.0.1:\(port)"
    var head: [String]
    var body: [UInt8] = []
    if mutator.number(below: 8) == 0 {
      head = [mutator.pick(Self.heads), host]
    } else {
      // Runs of the simulator cost a hundred predictions: they come less often.
      let most = mutator.number(below: 20) == 0 ? Self.questions.count : 3
      let (path, bodies) = Self.questions[mutator.number(below: most)]
      body = Array(mutator.pick(bodies).utf8)
      if mutator.number(below: 10) > 0 {
        body = mutator.mutated(body, others: bodies.map { Array($0.utf8) })
      }
      head = [
        "POST \(path) HTTP/1.1", host, "content-type: application/json",
        "content-length: \(body.count)",
      ]
      if mutator.number(below: 10) == 0 { head.append("accept: application/x-ndjson") }
    }
    if mutator.number(below: 20) == 0 { head.append("transfer-encoding: chunked") }
    if mutator.number(below: 20) == 0 { head.append("expect: 100-continue") }
    var bytes = Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    if mutator.number(below: 4) == 0 {
      bytes = mutator.mutated(bytes, others: Self.heads.map { Array($0.utf8) })
    }
    bytes += body
    if mutator.number(below: 20) == 0 { bytes += bytes }
    return (bytes, Self.isWhole(bytes))
  }

  /// Whether a head ends and as many bytes follow as it says, or more.
  private static func isWhole(_ bytes: [UInt8]) -> Bool {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.range(of: "\r\n\r\n") else { return false }
    let line = text[..<end.lowerBound].lowercased().components(separatedBy: "\r\n").first {
      $0.hasPrefix("content-length:")
    }
    guard let line else { return true }
    let length = Int(line.dropFirst(15).trimmingCharacters(in: .whitespaces))
    return length.map { text[end.upperBound...].utf8.count >= $0 } ?? true
  }
}
