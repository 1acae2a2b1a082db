"""Scans the service's TLS with sslyze: versions, cipher suites, known weaknesses.

    tls_scan.py PORT CERTIFICATE KEY

Scans localhost with the client certificate CERTIFICATE and KEY (PEM). Prints `VERSION: SUITE ...` for
each version, then a line for each weakness. fixtures/tls/scan.txt has the expected output.
"""

import sys
from pathlib import Path

from sslyze import (ClientAuthenticationCredentials, Scanner, ServerNetworkConfiguration, ServerNetworkLocation,
                    ServerScanRequest, ScanCommand)

PORT, CERTIFICATE, KEY = sys.argv[1:]
VERSIONS = [("SSL 2.0", "ssl_2_0"), ("SSL 3.0", "ssl_3_0"), ("TLS 1.0", "tls_1_0"), ("TLS 1.1", "tls_1_1"),
            ("TLS 1.2", "tls_1_2"), ("TLS 1.3", "tls_1_3")]

location = ServerNetworkLocation("localhost", int(PORT))
request = ServerScanRequest(
    server_location=location,
    network_configuration=ServerNetworkConfiguration(
        tls_server_name_indication="localhost",
        tls_client_auth_credentials=ClientAuthenticationCredentials(Path(CERTIFICATE), Path(KEY)),
    ),
    scan_commands={getattr(ScanCommand, name.upper() + "_CIPHER_SUITES") for _, name in VERSIONS} | {
        ScanCommand.TLS_COMPRESSION, ScanCommand.TLS_1_3_EARLY_DATA, ScanCommand.OPENSSL_CCS_INJECTION,
        ScanCommand.TLS_FALLBACK_SCSV, ScanCommand.HEARTBLEED, ScanCommand.ROBOT, ScanCommand.SESSION_RENEGOTIATION,
        ScanCommand.SESSION_RESUMPTION, ScanCommand.TLS_EXTENDED_MASTER_SECRET,
    },
)
scanner = Scanner()
scanner.queue_scans([request])
(scanned,) = scanner.get_results()
if scanned.scan_result is None:
    sys.exit(f"no scan: {scanned.connectivity_error_trace}")


def result(command):
    attempt = getattr(scanned.scan_result, command)
    if attempt.result is None:
        sys.exit(f"{command}: {attempt.error_trace}")
    return attempt.result


for version, name in VERSIONS:
    suites = sorted(accepted.cipher_suite.name for accepted in result(f"{name}_cipher_suites").accepted_cipher_suites)
    print(f"{version}: {' '.join(suites) or 'none'}")
resumption = result("session_resumption")
robot = result("robot").robot_result.name
for weakness, is_there in [
    ("compression", result("tls_compression").supports_compression),
    ("early data", result("tls_1_3_early_data").supports_early_data),
    ("injection of a change of cipher", result("openssl_ccs_injection").is_vulnerable_to_ccs_injection),
    ("downgrade", not result("tls_fallback_scsv").supports_fallback_scsv),
    ("Heartbleed", result("heartbleed").is_vulnerable_to_heartbleed),
    ("ROBOT", not robot.startswith("NOT_VULNERABLE")),
    ("renegotiation by the client", result("session_renegotiation").is_vulnerable_to_client_renegotiation_dos),
    ("renegotiation that is not secure", not result("session_renegotiation").supports_secure_renegotiation),
    ("no extended master secret", not result("tls_extended_master_secret").supports_ems_extension),
    ("resumption by session", resumption.session_id_successful_resumptions_count > 0),
    ("resumption by ticket", resumption.tls_ticket_successful_resumptions_count > 0),
]:
    print(f"{weakness}: {'found' if is_there else 'not found'}")
