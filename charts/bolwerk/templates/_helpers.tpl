{{- define "bolwerk.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "bolwerk.serviceAccountName" -}}
{{- default (include "bolwerk.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "bolwerk.selectorLabels" -}}
app.kubernetes.io/name: bolwerk
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "bolwerk.canaryLabels" -}}
{{ include "bolwerk.selectorLabels" . | replace "component: operator" "component: canary" }}
{{- end -}}

{{- define "bolwerk.labels" -}}
{{ include "bolwerk.selectorLabels" . }}
app.kubernetes.io/part-of: bolwerk
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* One image reference. Takes a dict: root, at (where the image stands in the values), default tag. */ -}}
{{- define "bolwerk.image" -}}
{{- $image := get .root.Values .at -}}
{{- if contains "." .at -}}
{{- $image = get .root.Values.engines (last (splitList "." .at)) -}}
{{- end -}}
{{- $tag := default .tag $image.tag -}}
{{- if and (not $image.digest) (or (not $tag) (eq $tag "latest")) -}}
{{- fail (printf "%s.tag: a moving tag such as latest makes every restart an upgrade; write a version, or set %s.digest" .at .at) -}}
{{- end -}}
{{- $registry := default .root.Values.global.imageRegistry $image.registry -}}
{{- with $registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- $image.repository -}}
{{- with $image.digest }}@{{ . }}{{ else }}:{{ $tag }}{{ end -}}
{{- end -}}

{{- /* The operator's settings file. Read once at start, so a change restarts the operator (checksum in the Deployment). */ -}}
{{- define "bolwerk.settings" -}}
vllmImage: {{ include "bolwerk.image" (dict "root" . "at" "engines.vllm") | quote }}
{{- if or .Values.global.imageRegistry .Values.engines.triton.registry }}
tritonImage: {{ include "bolwerk.image" (dict "root" . "at" "engines.triton") | quote }}
{{- else }}
tritonImage: ""
{{- end }}
serviceAccount: {{ include "bolwerk.serviceAccountName" . | quote }}
dns:
  namespace: {{ .Values.dns.namespace | quote }}
references:
  configMaps: {{ .Values.references.configMaps }}
  secrets: {{ .Values.references.secrets }}
proof:
  image: {{ include "bolwerk.image" (dict "root" . "at" "image" "tag" .Chart.AppVersion) | quote }}
  imagePullSecrets: [{{ range $at, $secret := .Values.global.imagePullSecrets }}{{ if $at }}, {{ end }}{{ $secret.name | quote }}{{ end }}]
  canaryService: {{ if .Values.canary.enabled }}{{ include "bolwerk.fullname" . }}-canary{{ else }}""{{ end }}
  concurrency: {{ .Values.proof.concurrency }}
{{- end -}}

{{- /* One list of files/four-eyes.yaml, with what only the release knows. Takes a dict: root, list. */ -}}
{{- define "bolwerk.fourEyes" -}}
{{- $root := .root -}}
{{- $attesters := list -}}
{{- range $root.Values.exceptions.gitAttesters -}}
{{- $attesters = append $attesters (printf "'system:serviceaccount:%s:%s'" .namespace .name) -}}
{{- end -}}
{{- $operator := printf "system:serviceaccount:%s:%s" $root.Release.Namespace (include "bolwerk.serviceAccountName" $root) -}}
{{- $all := $root.Files.Get "files/four-eyes.yaml" | fromYaml | toJson -}}
{{- $all = $all | replace "@name@" (include "bolwerk.fullname" $root) | replace "@operator@" $operator -}}
{{- $all = $all | replace "@attesters@" (printf "[%s]" (join ", " $attesters)) | fromJson -}}
{{- range get $all .list }}
---
apiVersion: {{ .apiVersion }}
kind: {{ .kind }}
metadata:
  name: {{ .metadata.name }}
  labels:
    {{- include "bolwerk.labels" $root | nindent 4 }}
spec:
  {{- toYaml .spec | nindent 2 }}
{{- end }}
{{- end -}}
