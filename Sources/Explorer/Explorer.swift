// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// The local page and its API: a server that answers until it is told to stop.
package struct Explorer: Sendable {
  /// The port that is listened to.
  package var port: UInt16 { listener.port }
  /// Where the page is, one URL an address.
  package var pages: [String] { listener.addresses.map { "http://\($0):\(listener.port)/" } }

  private let listener: Listener
  private let service: Service
  private let limits: ServerLimits

  /// Where a server listens, and what it asks of those who come from elsewhere.
  package struct Place: Sendable {
    /// The port; 0 is any free one.
    package let port: UInt16
    /// The address; nil is this machine alone.
    package let address: String?
    /// What a request for data has to know; nil where nobody else can ask.
    package let token: String?

    /// A place on this machine alone.
    package init(port: UInt16) { (self.port, address, token) = (port, nil, nil) }

    /// A place that others reach, who have to know a token.
    ///
    /// - Parameters:
    ///   - port: The port.
    ///   - address: A numeric address of this machine.
    ///   - token: At least 16 visible ASCII characters.
    /// - Throws: A sentence where the token could be guessed.
    package init(port: UInt16, address: String, token: String) throws(ExplorerError) {
      guard token.utf8.count >= Self.leastToken, token.utf8.allSatisfy({ (33...126).contains($0) })
      else { throw .illegalToken(least: Self.leastToken) }
      (self.port, self.address, self.token) = (port, address, token)
    }

    /// Characters of a token at least.
    package static let leastToken = 16
  }

  /// Opens the sockets; nothing is answered before `run`.
  package init(
    _ desk: Desk,
    at place: Place,
    limits: ServerLimits = ServerLimits()
  ) throws(ExplorerError) {
    listener = try Listener(address: place.address, port: place.port)
    self.limits = limits
    let gate = Gate(port: listener.port, address: place.address, token: place.token)
    service = Service(desk: desk, gate: gate, limits: limits)
  }

  /// Answers until the task is cancelled; what is being answered then is cancelled too.
  package func run() async throws {
    do {
      try await listener.serve(limits: limits, answering: service)
    } catch  where Task.isCancelled {}
  }
}

/// Why a server cannot begin.
package enum ExplorerError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The system does not give the address or the port.
  case notListening(address: String, port: UInt16, reason: String)
  /// A token that is too short or has other characters.
  case illegalToken(least: Int)

  /// One sentence with the value and what is legal.
  package var description: String {
    switch self {
    case .notListening(let address, let port, let reason):
      "\(address):\(port) cannot be listened to: \(reason)"
    case .illegalToken(let least):
      "the token is not legal; write at least \(least) visible ASCII characters without blanks, "
        + "such as those of 'openssl rand -hex 32'"
    }
  }
}
