// SPDX-License-Identifier: GPL-3.0-or-later

import FlyingFox
import FlyingSocks
import Foundation

/// What answers requests.
protocol Answering: Sendable {
  /// Refuses a request by its head, before anything of its body is read.
  func admit(_ head: RequestHead) throws(Refused)
  /// Answers a request that was admitted.
  func answer(_ request: HTTPRequest) async -> Reply
}

/// An answer: whole, or line by line as it comes.
enum Reply: Sendable {
  case whole(HTTPResponse)
  case lines(HTTPResponse, AsyncStream<Data>)
}

/// One connection: requests one after the other, each read within its limits, answered, and given up
/// as soon as the client has gone.
struct Connection {
  let socket: AsyncSocket
  let limits: ServerLimits
  let uploads: Lane
  let answering: any Answering
  /// What was read and not yet used.
  private var pending: [UInt8] = []

  init(
    _ socket: AsyncSocket,
    limits: ServerLimits,
    uploads: Lane,
    answering: any Answering
  ) {
    (self.socket, self.limits, self.uploads) = (socket, limits, uploads)
    self.answering = answering
  }

  /// The client went, or sent nothing more in time.
  private struct Ended: Error {}

  /// Answers requests until one side ends the connection.
  mutating func serve() async {
    do {
      while try await serveOne() {}
    } catch let refused as Refused {
      try? await write(.whole(refused.response), isHead: false, closes: true)
      await linger()
    } catch {}
  }

  /// Answers one request; says whether another may follow.
  private mutating func serveOne() async throws -> Bool {
    let head = try await readHead()
    do throws(Refused) { try answering.admit(head) } catch {
      // Without a body in the way the connection stays in step.
      guard try head.length(limits: limits) == 0, !head.closes else { throw error }
      try await write(.whole(error.response), isHead: head.method == "HEAD", closes: false)
      return true
    }
    let length = try head.length(limits: limits)
    if length > 0, try head.value("expect")?.lowercased() == "100-continue" {
      try await socket.write(Data("HTTP/1.1 100 Continue\r\n\r\n".utf8))
    }
    guard length > limits.upload else { return try await exchange(head, length) }
    var copy = self
    let (goesOn, rest) = try await uploads.hold {
      let goesOn = try await copy.exchange(head, length)
      return (goesOn, copy.pending)
    }
    pending = rest
    return goesOn
  }

  /// Reads the body and sends the answer.
  private mutating func exchange(_ head: RequestHead, _ length: Int) async throws -> Bool {
    let body = try await readBody(length)
    let request = HTTPRequest(
      method: HTTPMethod(head.method),
      version: .http11,
      target: .init(path: head.path, query: head.query),
      headers: HTTPHeaders(
        Dictionary(head.headers.map { (HTTPHeader($0.name), $0.value) }) { first, _ in first }
      ),
      body: HTTPBodySequence(data: body)
    )
    let (closes, isHead) = (head.closes, head.method == "HEAD")
    pending += try await whileConnected { [self] in
      let reply = await answering.answer(request)
      try await write(reply, isHead: isHead, closes: closes)
    }
    return !closes
  }

  /// Does something for the client, and cancels it when the client goes; gives what it sent meanwhile.
  private func whileConnected(
    _ work: @escaping @Sendable () async throws -> Void
  ) async throws -> [UInt8] {
    try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
      group.addTask { [socket, limits] in
        // The end of what the client sends is taken for its end.
        do { return try await socket.read(atMost: limits.head) } catch is CancellationError {
          return []
        }
      }
      group.addTask {
        try await work()
        return nil
      }
      defer { group.cancelAll() }
      var early: [UInt8] = []
      while let one = try await group.next() {
        if let one { early += one } else { group.cancelAll() }
      }
      return early
    }
  }
}

// MARK: - Reading

extension Connection {
  /// Reads up to the empty line that ends a request's headers.
  private mutating func readHead() async throws -> RequestHead {
    if pending.isEmpty { pending = try await read(within: limits.idle, orElse: Ended()) }
    let deadline = ContinuousClock.now + limits.headTime
    var searched = 0
    while true {
      // Empty lines before a request are passed over, as RFC 9112 asks for.
      while searched == 0, pending.starts(with: [13, 10]) { pending.removeFirst(2) }
      if let end = pending.firstRange(of: RequestHead.end, from: searched) {
        guard end <= limits.head else { throw headTooLarge }
        let head = Array(pending[..<end])
        pending.removeFirst(end + RequestHead.end.count)
        return try RequestHead(parsing: head, limits: limits)
      }
      guard pending.count <= limits.head else { throw headTooLarge }
      searched = max(0, pending.count - RequestHead.end.count + 1)
      let late = Refused(
        .timedOut,
        "the headers did not come within \(limits.headTime); send them at once"
      )
      pending += try await read(within: deadline - .now, orElse: late)
    }
  }

  private var headTooLarge: Refused {
    Refused(
      .headTooLarge,
      "the headers have more than \(limits.head) bytes; send at most that"
    )
  }

  private mutating func readBody(_ length: Int) async throws -> Data {
    var body = Data(pending.prefix(length))
    pending.removeFirst(body.count)
    let deadline = ContinuousClock.now + limits.bodyTime
    let late = Refused(
      .timedOut,
      "the body's \(length) bytes did not come within \(limits.bodyTime); send them at once"
    )
    while body.count < length {
      let more = try await read(within: deadline - .now, orElse: late)
      let wanted = min(more.count, length - body.count)
      body.append(contentsOf: more.prefix(wanted))
      pending += more.dropFirst(wanted)
    }
    return body
  }

  private func read(
    within time: Duration,
    orElse late: any Error
  ) async throws -> [UInt8] {
    try await within(time, orElse: late) { [socket] in try await socket.read(atMost: 4_096) }
  }

  /// Takes what a refused client still sends, so that it reads the refusal before the connection is
  /// reset; a second and twice the largest body at most.
  private func linger() async {
    shutdown(socket.socket.file.rawValue, Int32(SHUT_WR))
    let limit = 2 * limits.body
    _ = try? await within(.seconds(1), orElse: Ended()) { [socket] in
      var taken = 0
      while taken < limit { taken += try await socket.read(atMost: 65_536).count }
    }
  }
}

// MARK: - Writing

extension Connection {
  /// Sends an answer with the headers that every answer has.
  private func write(_ reply: Reply, isHead: Bool, closes: Bool) async throws {
    switch reply {
    case .whole(let response):
      let body = try await response.bodyData
      let head = Self.head(response, ["content-length: \(body.count)"], closes: closes)
      try await write(isHead ? head : head + body)
    case .lines(let response, let lines):
      try await write(
        Self.head(response, ["transfer-encoding: chunked"], closes: closes)
      )
      for await line in lines {
        let size = String(line.count, radix: 16)
        try await write(Data("\(size)\r\n".utf8) + line + Data("\r\n".utf8))
      }
      try Task.checkCancellation()
      try await write(Data("0\r\n\r\n".utf8))
    }
  }

  private static func head(
    _ response: HTTPResponse,
    _ framing: [String],
    closes: Bool
  ) -> Data {
    let status = response.statusCode
    var lines = ["HTTP/1.1 \(status.code) \(status.phrase)"]
    for (name, value) in response.headers { lines.append("\(name.rawValue): \(value)") }
    lines += framing + SecurityHeaders.lines
    lines.append("connection: \(closes ? "close" : "keep-alive")")
    return Data((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
  }

  /// Sends bytes piece by piece; a client that takes none of them in time is left.
  private func write(_ data: Data) async throws {
    var rest = data[...]
    while !rest.isEmpty {
      let piece = Data(rest.prefix(1 << 16))
      rest = rest.dropFirst(piece.count)
      try await within(limits.writeTime, orElse: Ended()) { [socket] in
        try await socket.write(piece)
      }
    }
  }
}

/// Awaits work for a time, and throws `late` where it takes longer.
func within<Result: Sendable>(
  _ time: Duration,
  orElse late: any Error,
  _ work: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  guard time > .zero else { throw late }
  return try await withThrowingTaskGroup(of: Result?.self) { group in
    group.addTask { try await work() }
    group.addTask {
      try await Task.sleep(for: time)
      return nil
    }
    defer { group.cancelAll() }
    guard let first = try await group.next(), let result = first else { throw late }
    return result
  }
}

extension [UInt8] {
  /// Where a pattern begins, looked for from an index on.
  fileprivate func firstRange(of pattern: [UInt8], from start: Int) -> Int? {
    guard count >= pattern.count, start <= count - pattern.count else { return nil }
    return (start...(count - pattern.count)).first { place in
      self[place..<(place + pattern.count)].elementsEqual(pattern)
    }
  }
}
