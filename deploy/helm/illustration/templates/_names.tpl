{{- define "illustration.name" -}}
{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "illustration.selector" -}}
app.kubernetes.io/name: illustration
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "illustration.labels" -}}
{{ include "illustration.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* A container's environment: a map of names to values -> a list, in the order of the names. */}}
{{- define "illustration.env" -}}
{{- range $name, $value := . }}
{{- if ne $value nil }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* What a container may do: nothing that it does not need. */}}
{{- define "illustration.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
