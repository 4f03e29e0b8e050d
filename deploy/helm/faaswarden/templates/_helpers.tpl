{{- define "faaswarden.name" -}}
{{- .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "faaswarden.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "faaswarden.selector" -}}
app.kubernetes.io/name: {{ include "faaswarden.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "faaswarden.labels" -}}
{{ include "faaswarden.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "faaswarden.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "faaswarden.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "faaswarden.image" -}}
{{- $tag := .Values.image.tag }}
{{- if not $tag }}
{{- $tag = .Chart.AppVersion }}
{{- if eq .Values.flavour "embedded" }}{{ $tag = printf "%s-embedded" $tag }}{{ end }}
{{- end }}
{{- printf "%s:%s" .Values.image.repository $tag }}
{{- end }}

{{- define "faaswarden.resources" -}}
{{- if .Values.resources }}
{{- toYaml .Values.resources }}
{{- else if eq .Values.flavour "embedded" -}}
requests: { cpu: 250m, memory: 1Gi }
limits: { memory: 4Gi }
{{- else -}}
requests: { cpu: 100m, memory: 256Mi }
limits: { memory: 1Gi }
{{- end }}
{{- end }}

{{/* faaswarden.yml: what the chart decides, over what config says. */}}
{{- define "faaswarden.config" -}}
{{- $store := dict }}
{{- if eq .Values.flavour "embedded" }}
{{- $store = dict "dsn" "embedded:/var/lib/faaswarden/store" }}
{{- else }}
{{- $store = dict "dsn" .Values.store.dsn }}
{{- if .Values.store.passwordSecret.name }}
{{- $_ := set $store "password_file" "/etc/faaswarden-secrets/store-password" }}
{{- end }}
{{- end }}
{{- $own := dict "store" $store "web" (dict "listen" "0.0.0.0:9847") }}
{{- $config := mergeOverwrite (dict "log" (dict "format" "json")) (deepCopy .Values.config) $own }}
{{- toYaml $config }}
{{- end }}

{{/* The pod of either flavour. */}}
{{- define "faaswarden.pod" -}}
metadata:
  labels:
    {{- include "faaswarden.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/config: {{ include "faaswarden.config" . | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "faaswarden.serviceAccountName" . }}
  automountServiceAccountToken: false # the token of an IAM role is mounted by EKS itself
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: { type: RuntimeDefault }
  containers:
    - name: faaswarden
      image: {{ include "faaswarden.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [run, --config, /etc/faaswarden/faaswarden.yml]
      {{- if or .Values.aws.region .Values.extraEnv }}
      env:
        {{- with .Values.aws.region }}
        - name: AWS_REGION
          value: {{ . | quote }}
        {{- end }}
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      ports:
        - name: http
          containerPort: 9847
      startupProbe:
        httpGet: { path: /healthz, port: http }
        periodSeconds: 5
        failureThreshold: 36
      livenessProbe:
        httpGet: { path: /healthz, port: http }
        periodSeconds: 30
        timeoutSeconds: 5
        failureThreshold: 4
      readinessProbe: # until the first analysis has finished
        httpGet: { path: /readyz, port: http }
        periodSeconds: 15
        timeoutSeconds: 5
      resources:
        {{- include "faaswarden.resources" . | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      volumeMounts:
        - name: config
          mountPath: /etc/faaswarden
          readOnly: true
        - name: tmp
          mountPath: /tmp
        {{- if eq .Values.flavour "embedded" }}
        - name: data
          mountPath: /var/lib/faaswarden
        {{- else if .Values.store.passwordSecret.name }}
        - name: store-password
          mountPath: /etc/faaswarden-secrets
          readOnly: true
        {{- end }}
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap:
        name: {{ include "faaswarden.fullname" . }}
    - name: tmp
      emptyDir: { sizeLimit: 256Mi }
    {{- if and (eq .Values.flavour "server") .Values.store.passwordSecret.name }}
    - name: store-password
      secret:
        secretName: {{ .Values.store.passwordSecret.name }}
        defaultMode: 288 # 0440: the group is the pod's
        items:
          - key: {{ .Values.store.passwordSecret.key }}
            path: store-password
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
