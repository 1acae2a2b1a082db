{{/* Name of the release's objects. */}}
{{- define "ehealth-attributes.name" -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* Name of what the nodes of a cluster share; of a release alone, its own. */}}
{{- define "ehealth-attributes.shared" -}}
{{- .Values.cluster.name | default (include "ehealth-attributes.name" .) -}}
{{- end -}}

{{/* Labels that select the pods of this release. */}}
{{- define "ehealth-attributes.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Labels that select the pods of all nodes. */}}
{{- define "ehealth-attributes.sharedSelector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/part-of: {{ include "ehealth-attributes.shared" . }}
{{- end -}}

{{- define "ehealth-attributes.labels" -}}
{{ include "ehealth-attributes.selector" . }}
app.kubernetes.io/part-of: {{ include "ehealth-attributes.shared" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "ehealth-attributes.image" -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- end -}}

{{- define "ehealth-attributes.policyConfigMap" -}}
{{- .Values.policyConfigMap | default (printf "%s-policy" (include "ehealth-attributes.name" .)) -}}
{{- end -}}

{{- define "ehealth-attributes.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* What both containers set: the paths of the chart's mounts. */}}
{{- define "ehealth-attributes.env" -}}
- {name: EHEALTH_ATTRIBUTES_DATA_FETCH_MODE, value: separate_process}
- {name: EHEALTH_ATTRIBUTES_DATA_FOLDER, value: /var/lib/ehealth-attributes/data}
- {name: EHEALTH_ATTRIBUTES_DATA_REJECTED, value: /var/lib/ehealth-attributes/rejected}
{{- if .Values.feeds.claim }}
- {name: EHEALTH_ATTRIBUTES_DATA_FEEDS, value: /var/lib/ehealth-attributes/feeds}
{{- end }}
- {name: EHEALTH_ATTRIBUTES_SERVER_LISTEN, value: "0.0.0.0:8443"}
- {name: EHEALTH_ATTRIBUTES_SERVER_CERTIFICATE, value: /etc/ehealth-attributes/tls/tls.crt}
- {name: EHEALTH_ATTRIBUTES_SERVER_KEY, value: /etc/ehealth-attributes/tls/tls.key}
- {name: EHEALTH_ATTRIBUTES_TRUST_CLIENT_CA, value: /etc/ehealth-attributes/clients-ca}
- {name: EHEALTH_ATTRIBUTES_TRUST_REVOCATION, value: /etc/ehealth-attributes/clients-crl}
- {name: EHEALTH_ATTRIBUTES_POLICY_FILE, value: /etc/ehealth-attributes/policy/policy.toml}
- {name: EHEALTH_ATTRIBUTES_AUDIT_LOG_FOLDER, value: /var/lib/ehealth-attributes/audit-log}
- {name: EHEALTH_ATTRIBUTES_AUDIT_LOG_KEYS, value: /var/lib/ehealth-attributes-keys/keys}
- {name: EHEALTH_ATTRIBUTES_ADMIN_LISTEN, value: "127.0.0.1:9443"}
{{- if .Values.metrics.networks }}
- {name: EHEALTH_ATTRIBUTES_METRICS_LISTEN, value: "0.0.0.0:{{ .Values.metrics.port }}"}
- {name: EHEALTH_ATTRIBUTES_METRICS_NETWORKS, value: {{ join "," .Values.metrics.networks | quote }}}
{{- end }}
{{- end -}}
