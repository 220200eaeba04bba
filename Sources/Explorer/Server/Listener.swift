// SPDX-License-Identifier: GPL-3.0-or-later

import FlyingFox
import FlyingSocks
import Foundation
import Synchronization

/// The sockets of a server, and the connections that come in.
struct Listener: Sendable {
  /// The port that is listened to.
  let port: UInt16
  /// The addresses that are listened to, as they stand in a URL.
  let addresses: [String]
  private let sockets: [Socket]

  /// Listens on an address, or on the machine's own two where none is given; port 0 is any free one.
  init(address: String?, port: UInt16) throws(ExplorerError) {
    guard let address else {
      let first = try Self.socket("127.0.0.1", port)
      let taken = Self.port(of: first) ?? port
      var (sockets, names) = ([first], ["127.0.0.1"])
      // A machine without IPv6 has no such address.
      if let second = try? Self.socket("::1", taken) {
        sockets.append(second)
        names.append("[::1]")
      }
      (self.port, addresses, self.sockets) = (taken, names, sockets)
      return
    }
    let socket = try Self.socket(address, port)
    (self.port, addresses) = (Self.port(of: socket) ?? port, [Gate.bracketed(address)])
    sockets = [socket]
  }

  /// Serves every connection until the task is cancelled; the sockets are closed then.
  func serve(
    limits: ServerLimits,
    answering: any Answering
  ) async throws {
    let pool = SocketPool.make(maxEvents: 64)
    try await pool.prepare()
    let open = OpenConnections(limit: limits.connections)
    let uploads = Lane("uploads", width: limits.uploads, depth: 0, retryAfter: 5)
    defer { for socket in sockets { try? socket.close() } }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await pool.run() }
      for socket in sockets {
        let listening = try AsyncSocket(socket: socket, pool: pool)
        group.addTask {
          try await Self.accept(on: listening, open) { client in
            var connection = Connection(
              client,
              limits: limits,
              uploads: uploads,
              answering: answering
            )
            await connection.serve()
          }
        }
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  private static func accept(
    on socket: AsyncSocket,
    _ open: OpenConnections,
    _ serve: @escaping @Sendable (AsyncSocket) async -> Void
  ) async throws {
    try await withThrowingDiscardingTaskGroup { group in
      while !Task.isCancelled {
        let client: AsyncSocket
        do {
          client = try await socket.accept()
        } catch let error as CancellationError {
          throw error
        } catch {
          // A client that went before it was accepted, or no descriptor left: others go on.
          try await Task.sleep(for: .milliseconds(20))
          continue
        }
        guard open.enter() else {
          try? client.close()
          continue
        }
        group.addTask {
          await serve(client)
          try? client.close()
          open.leave()
        }
      }
    }
  }

  private static func socket(_ address: String, _ port: UInt16) throws(ExplorerError) -> Socket {
    do {
      if address.contains(":") {
        return try listening(sockaddr_in6.inet6(ip6: address, port: port), isSix: true)
      }
      return try listening(sockaddr_in.inet(ip4: address, port: port), isSix: false)
    } catch {
      throw .notListening(address: Gate.bracketed(address), port: port, reason: reason(error))
    }
  }

  private static func listening(_ address: some SocketAddress, isSix: Bool) throws -> Socket {
    let socket = try Socket(domain: isSix ? AF_INET6 : AF_INET)
    do {
      _ = fcntl(socket.file.rawValue, F_SETFD, FD_CLOEXEC)
      try socket.setValue(true, for: .localAddressReuse)
      if isSix {
        var only: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(
          socket.file.rawValue,
          Int32(IPPROTO_IPV6),
          IPV6_V6ONLY,
          &only,
          size
        )
      }
      try socket.bind(to: address)
    } catch {
      try? socket.close()
      throw error
    }
    try socket.listen(maxPendingConnection: 512)
    return socket
  }

  private static func port(of socket: Socket) -> UInt16? {
    switch try? socket.sockname() {
    case .ip4(_, let port), .ip6(_, let port): port
    default: nil
    }
  }

  private static func reason(_ error: any Error) -> String {
    if case SocketError.failed(_, let number, _) = error {
      return String(cString: strerror(number))
    }
    return "it is no address; write one such as 192.168.1.10"
  }
}

/// How many connections are open.
private final class OpenConnections: Sendable {
  private let limit: Int
  private let count = Mutex(0)

  init(limit: Int) { self.limit = limit }

  /// Counts one more; false where there are as many as may be.
  func enter() -> Bool {
    count.withLock { count in
      guard count < limit else { return false }
      count += 1
      return true
    }
  }

  func leave() { count.withLock { $0 -= 1 } }
}
