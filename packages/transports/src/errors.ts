import { brandError, RuntimeError } from "@aio/loop";

/** Thrown when a transport, or the host, cannot do what is asked for. Counterpart of Python's `NotImplementedError`. */
export class NotSupportedError extends RuntimeError {
  declare readonly name: "NotSupportedError";
  override readonly code = "AIO_NOT_SUPPORTED";
  static {
    brandError(this, "NotSupportedError");
  }
}

/** Thrown when a file cannot be sent by the system itself, and nothing else is allowed. Counterpart of `asyncio.SendfileNotAvailableError`. */
export class SendfileNotAvailableError extends RuntimeError {
  declare readonly name: "SendfileNotAvailableError";
  override readonly code = "AIO_SENDFILE_NOT_AVAILABLE";
  static {
    brandError(this, "SendfileNotAvailableError");
  }
}

/**
 * Thrown when TLS could not be begun or went wrong: the other side does not speak it, or not the same version.
 * The `cause` is the host's own error. Counterpart of Python's `ssl.SSLError`.
 */
export class SSLError extends Error {
  declare readonly name: string;
  /** The host's code, such as `ERR_SSL_WRONG_VERSION_NUMBER`. */
  readonly code: string;
  static {
    brandError(this, "SSLError");
  }

  constructor(message: string, { code, cause }: { code: string; cause?: unknown }) {
    super(message, { cause });
    this.code = code;
  }
}

/** Returns an error of a socket with TLS as an {@link SSLError}, if it is about TLS. */
export function sslErrorOf(error: Error): Error {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (code !== "EPROTO" && !code.startsWith("ERR_SSL_") && !code.startsWith("ERR_TLS_"))
    return error;
  return new SSLError(`TLS failed: ${error.message}`, { code, cause: error });
}

/** Thrown when the certificate of the other side is refused. Counterpart of Python's `ssl.SSLCertVerificationError`. */
export class SSLCertVerificationError extends SSLError {
  declare readonly name: "SSLCertVerificationError";
  static {
    brandError(this, "SSLCertVerificationError");
  }
}
