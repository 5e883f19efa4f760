{{- define "posecast.fullname" -}}
{{- if contains "posecast" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-posecast" (.Release.Name | trunc 41 | trimSuffix "-") }}
{{- end }}
{{- end }}

{{- define "posecast.selector" -}}
app.kubernetes.io/name: posecast
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "posecast.labels" -}}
{{ include "posecast.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "posecast.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "posecast.fullname" .) }}
{{- end }}

{{- define "posecast.redisAddress" -}}
{{ include "posecast.fullname" . }}-redis.{{ .Release.Namespace }}.svc:6379
{{- end }}

{{/* Of a pod that runs posecast: nobody's privileges, and only /tmp and the models to write to. */}}
{{- define "posecast.podSecurity" -}}
serviceAccountName: {{ include "posecast.serviceAccount" . | quote }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "posecast.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{- define "posecast.env" -}}
- name: REDIS_URL
  {{- if .Values.redis.existingSecret }}
  valueFrom:
    secretKeyRef: { name: {{ .Values.redis.existingSecret | quote }}, key: REDIS_URL }
  {{- else }}
  value: redis://{{ include "posecast.redisAddress" . }}
  {{- end }}
{{- with .Values.store.existingSecret }}
- name: AWS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef: { name: {{ . | quote }}, key: AWS_ACCESS_KEY_ID }
- name: AWS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef: { name: {{ . | quote }}, key: AWS_SECRET_ACCESS_KEY }
{{- end }}
{{- with .Values.store.region }}
- name: AWS_REGION
  value: {{ . | quote }}
{{- end }}
{{- with .Values.store.endpoint }}
- name: AWS_ENDPOINT_URL_S3
  value: {{ . | quote }}
{{- end }}
{{- end }}

{{/* Weights are fetched once, by the worker's image: checking them takes the ONNX runtime. A registry or a proxy of one's
own comes by the worker's environment and mounts. */}}
{{- define "posecast.modelsContainer" -}}
- name: models
  image: {{ .Values.images.worker | quote }}
  imagePullPolicy: {{ .Values.images.pullPolicy }}
  args:
    - models
    - pull
    {{- range .Values.models.names }}
    - {{ . | quote }}
    {{- end }}
  {{- with .Values.worker.extraEnv }}
  env:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- include "posecast.containerSecurity" . | nindent 2 }}
  resources:
    requests: { cpu: 500m, memory: 1Gi }
    limits: { memory: 2Gi }
  volumeMounts:
    - { name: models, mountPath: /models }
    - { name: tmp, mountPath: /tmp }
    {{- with .Values.worker.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{/* A corpus that no volume holds would be missed by every pod. */}}
{{- define "posecast.checkCorpus" -}}
{{- $corpus := .Values.run.corpus }}
{{- $places := list }}
{{- if .Values.corpus.volume }}
{{- $places = append $places .Values.corpus.mountPath }}
{{- end }}
{{- range .Values.worker.extraVolumeMounts }}
{{- $places = append $places .mountPath }}
{{- end }}
{{- $held := hasPrefix "s3://" (lower $corpus) }}
{{- range $places }}
{{- if hasPrefix (printf "%s/" (trimSuffix "/" .)) (printf "%s/" $corpus) }}
{{- $held = true }}
{{- end }}
{{- end }}
{{- if not $held }}
{{- fail (printf "run.corpus: expected s3:// or a place under corpus.mountPath, with corpus.volume, or under a mount of worker.extraVolumeMounts, found %s" $corpus) }}
{{- end }}
{{- end }}

{{- define "posecast.mounts" -}}
- { name: models, mountPath: /models }
- { name: tmp, mountPath: /tmp }
{{- if .Values.corpus.volume }}
- { name: corpus, mountPath: {{ .Values.corpus.mountPath | quote }}, readOnly: true }
{{- end }}
{{- with .Values.worker.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "posecast.volumes" -}}
- name: models
  {{- if .Values.models.existingClaim }}
  persistentVolumeClaim: { claimName: {{ .Values.models.existingClaim | quote }} }
  {{- else }}
  emptyDir: {}
  {{- end }}
- name: tmp
  emptyDir: {}
{{- with .Values.corpus.volume }}
- name: corpus
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.worker.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Annotations of a pod that serves metrics, of (list . PORT); nothing without a port. */}}
{{- define "posecast.scrape" -}}
{{- $root := index . 0 }}
{{- $port := index . 1 }}
{{- if and $port $root.Values.metrics.annotations }}
prometheus.io/scrape: 'true'
prometheus.io/port: {{ $port | quote }}
prometheus.io/path: /metrics
{{- end }}
{{- end }}
